using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The names of owners and groups; looks up each only once. The number if there is no name.</summary>
internal sealed class AccountNames
{
    private readonly Dictionary<UserId, string> users = [];
    private readonly Dictionary<GroupId, string> groups = [];

    public string Of(UserId owner) => Of(users, owner, static id => Libc.getpwuid(id)?.Name);

    public string Of(GroupId group) => Of(groups, group, static id => Libc.getgrgid_name(id));

    private static string Of<T>(Dictionary<T, string> names, T id, Func<T, string?> find)
        where T : struct
    {
        if (!names.TryGetValue(id, out string? name))
            names[id] = name = Find(id, find) ?? id.ToString()!;
        return name;
    }

    private static string? Find<T>(T id, Func<T, string?> find)
    {
        try
        {
            return find(id);
        }
        catch (SystemCallException)
        {
            // If a name service is not available, the numbers are still correct.
            return null;
        }
    }
}
