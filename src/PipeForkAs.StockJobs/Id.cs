using System.Text;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The job <c>id</c>: who the worker is, asked of the kernel.</summary>
internal static class Id
{
    public static string Describe(JobContext context)
    {
        UserId uid = Libc.getresuid().Real;
        GroupId gid = Libc.getresgid().Real;
        string group = Named(gid);
        var text = new StringBuilder().Append("uid=").Append(uid).Append('(').Append(context.User.Name).Append(") gid=").Append(group).Append(" groups=").Append(group);
        foreach (GroupId other in Libc.getgroups())
        {
            if (other != gid)
                text.Append(',').Append(Named(other));
        }

        return text.Append('\n').ToString();
    }

    private static string Named(GroupId group) => NameOf(group) is { } name ? $"{group}({name})" : group.ToString();

    /// <summary>The look-up costs 0.2 ms of this job's 0.9 (measured with /etc/group), and is worth it to whoever reads the line.</summary>
    private static string? NameOf(GroupId group)
    {
        try
        {
            return Libc.getgrgid_name(group);
        }
        catch (SystemCallException)
        {
            // A name service that is away takes nothing from the numbers.
            return null;
        }
    }
}
