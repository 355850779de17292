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
        string group = Written(gid, gid.Value == context.User.Gid && context.User.GroupName is { } known ? known : NameOf(gid));

        // Not interpolated: more than four parts take an array pool, which each worker would have to make.
        string[] parts = [
            "uid=", Libc.getresuid().Real.ToString(), "(", context.User.Name, ") gid=", group, " groups=", group, Others(gid), "\n"];
        return string.Concat(parts);
    }

    /// <summary>The groups beside the primary one, each behind a comma. Most users have none.</summary>
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

    /// <summary>
    /// The daemon looked up the primary group's. Another's costs 0.1 ms (measured with /etc/group), and is worth it to whoever reads the
    /// line.
    /// </summary>
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
