using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>The environment of a job: made from nothing, so that LD_*, DOTNET_* and the daemon's own variables never cross.</summary>
internal static class JobEnvironment
{
    private const string Path = "/usr/local/bin:/usr/bin:/bin";

    /// <summary>The variables as NAME=VALUE.</summary>
    public static List<string> For(Run order)
    {
        Account account = order.Account;
        var variables = new List<string>(6 + order.Environment.Length)
        {
            $"HOME={account.Home}", $"USER={account.Name}", $"LOGNAME={account.Name}", $"SHELL={account.Shell}", $"PATH={Path}",
        };
        bool hasLanguage = false;
        foreach ((string name, string value) in order.Environment)
        {
            hasLanguage |= name == "LANG";
            variables.Add($"{name}={value}");
        }

        if (!hasLanguage)
            variables.Add("LANG=C.UTF-8");
        return variables;
    }
}
