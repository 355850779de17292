using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>The environment of a job: made from nothing, so that LD_*, DOTNET_* and the daemon's own variables never cross.</summary>
internal static class JobEnvironment
{
    private const string Path = "/usr/local/bin:/usr/bin:/bin";

    /// <summary>The variables as NAME=VALUE.</summary>
    public static string[] For(WorkerOrder order)
    {
        Account account = order.Account;
        bool hasLanguage = false;
        foreach ((string name, _) in order.Environment)
            hasLanguage |= name == "LANG";

        var variables = new string[(hasLanguage ? 5 : 6) + order.Environment.Length];
        variables[0] = $"HOME={account.Home}";
        variables[1] = $"USER={account.Name}";
        variables[2] = $"LOGNAME={account.Name}";
        variables[3] = $"SHELL={account.Shell}";
        variables[4] = $"PATH={Path}";
        for (int i = 0; i < order.Environment.Length; i++)
            variables[5 + i] = $"{order.Environment[i].Key}={order.Environment[i].Value}";
        if (!hasLanguage)
            variables[^1] = "LANG=C.UTF-8";
        return variables;
    }
}
