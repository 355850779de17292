using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Creates the environment of a job from nothing, so that LD_*, DOTNET_* and the daemon's variables never reach it.</summary>
internal static class JobEnvironment
{
    private const string Path = "/usr/local/bin:/usr/bin:/bin";

    /// <summary>Returns the variables as NAME=VALUE.</summary>
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
