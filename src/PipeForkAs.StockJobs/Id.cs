using System.Text;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The job <c>id</c>: returns the worker's ids from the kernel.</summary>
internal static class Id
{
    public static string Describe(JobContext context)
    {
        GroupId gid = Libc.getresgid().Real;
        string group = Written(gid, gid.Value == context.User.Gid && context.User.GroupName is { } known ? known : NameOf(gid));

        // Not interpolated: more than four parts need an array pool, which each worker would have to create.
        string[] parts = [
            "uid=", Libc.getresuid().Real.ToString(), "(", context.User.Name, ") gid=", group, " groups=", group, Others(gid), "\n"];
        return string.Concat(parts);
    }

    /// <summary>Returns the groups other than the primary group, each after a comma. Most users have none.</summary>
    private static string Others(GroupId gid)
    {
        StringBuilder? text = null;
        foreach (GroupId other in Libc.getgroups())
        {
            if (other != gid)
                (text ??= new StringBuilder()).Append(',').Append(Written(other, NameOf(other)));
        }

        return text?.ToString() ?? "";
    }

    private static string Written(GroupId group, string? name) => name is null ? group.ToString() : $"{group.ToString()}({name})";

    /// <summary>Returns the name of a group. The daemon has looked up the name of the primary group. Another look-up takes 0.1 ms (measured
    /// with /etc/group), which the more readable line is worth.
    /// </summary>
    private static string? NameOf(GroupId group)
    {
        try
        {
            return Libc.getgrgid_name(group);
        }
        catch (SystemCallException)
        {
            // If a name service is not available, the numbers are still correct.
            return null;
        }
    }
}
