using System.Text;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The job <c>id</c>: who the worker is, asked of the kernel.</summary>
internal static class Id
{
    public static string Describe(JobContext context)
    {
        GroupId gid = Libc.getresgid().Real;
        var text = new StringBuilder(256);
        text.Append("uid=").Append(Libc.getresuid().Real.Value).Append('(').Append(context.User.Name).Append(") gid=");
        int begin = text.Length;
        Append(text, gid, gid == context.User.Gid && context.User.GroupName is { } known ? known : NameOf(gid));
        string group = text.ToString(begin, text.Length - begin);
        text.Append(" groups=").Append(group);
        foreach (GroupId other in Libc.getgroups())
        {
            if (other != gid)
                Append(text.Append(','), other, NameOf(other));
        }

        return text.Append('\n').ToString();
    }

    private static void Append(StringBuilder text, GroupId group, string? name)
    {
        text.Append(group.Value);
        if (name is not null)
            text.Append('(').Append(name).Append(')');
    }

    /// <summary>The daemon looked up the primary group's. Another's costs 0.1 ms (measured with /etc/group), and is worth it to whoever reads the line.</summary>
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
