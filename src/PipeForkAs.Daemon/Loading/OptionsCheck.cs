using System.Globalization;
using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Loading;

/// <summary>Checks the values of a configuration: returns each problem with its key, and what would be valid.</summary>
internal static class OptionsCheck
{
    /// <summary>pam.d(5).</summary>
    private static readonly string[] PamFolders = ["/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d"];

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Tenth = TimeSpan.FromSeconds(0.1);
    /// <summary>The lowest memory limit, in bytes; a worker begins with about 10 MiB of its own.</summary>
    public const long MinimumMemory = 16 * 1024 * 1024;

    private static readonly TimeSpan TenMinutes = TimeSpan.FromMinutes(10);

    public static IEnumerable<(string Key, string Problem)> Problems(DaemonOptions options) =>
        SocketProblems(options.Socket)
            .Concat(JobHostProblems(options.JobHosts))
            .Concat(options.Commands.SelectMany(command => CommandProblems(command.Key, command.Value)))
            .Concat(RestrictionCheck.Problems(options))
            .Concat(PolicyProblems(options.Policy))
            .Concat(LimitProblems(options.Limits))
            .Concat(WorkerProblems(options.Limits.Worker))
            .Concat(AuditProblems(options.Audit));

    private static IEnumerable<(string Key, string Problem)> SocketProblems(SocketOptions socket)
    {
        if (!Path.IsPathRooted(socket.Path) || socket.Path.Contains('\0', StringComparison.Ordinal)
            || Encoding.UTF8.GetByteCount(socket.Path) > Libc.MaxSocketPath)
            yield return ("Socket:Path", $"must be an absolute path of at most {Libc.MaxSocketPath} bytes");
        if (!PermissionBits.TryParse(socket.Mode, out _))
            yield return ("Socket:Mode", "must be octal digits from 0000 to 0777, as a string");
        if (socket.DescriptorCheck is not (SocketOptions.Auto or SocketOptions.ByDaemon))
            yield return ("Socket:DescriptorCheck", $"must be \"{SocketOptions.Auto}\" or \"{SocketOptions.ByDaemon}\"");
    }

    private static IEnumerable<(string Key, string Problem)> JobHostProblems(IList<JobHostOptions> hosts)
    {
        for (int i = 0; i < hosts.Count; i++)
        {
            if (TrustedFile.ProgramProblem(hosts[i].Path) is { } problem)
                yield return ($"JobHosts:{i}:Path", TrustedFile.Line(hosts[i].Path, problem));
            if (hosts[i].Workers is < 0 or > 256)
                yield return ($"JobHosts:{i}:Workers", "must be from 0 to 256");
            if (hosts[i].MaxWorkers is { } most && (most < hosts[i].Workers || most > 256))
                yield return ($"JobHosts:{i}:MaxWorkers", "must be from Workers to 256");
            if (hosts[i].Processes is < 1 or > 64)
                yield return ($"JobHosts:{i}:Processes", "must be from 1 to 64");
        }
    }

    private static IEnumerable<(string Key, string Problem)> CommandProblems(string name, CommandOptions command)
    {
        string key = $"Commands:{name}";
        if (!JobName.IsValid(name))
            yield return (key, $"a job's name must be {JobName.Rule}");
        if (command.Description.AsSpan().IndexOfAny('\n', '\r', '\0') >= 0)
            yield return ($"{key}:Description", "must be one line");
        if (command.Command.Count == 0)
            yield return ($"{key}:Command", "must name a program by its absolute path, and its arguments");
        else if (TrustedFile.ProgramProblem(command.Command[0]) is { } problem)
            yield return ($"{key}:Command:0", TrustedFile.Line(command.Command[0], problem));
        foreach (string variable in command.Env)
        {
            if (EnvironmentVariable.SteersPrograms(variable))
                yield return ($"{key}:Env",
                    $"the variable \"{variable}\" changes which code common programs run; if that is intended, name it in UnsafeEnv");
            else if (!EnvironmentVariable.MayBeAllowed(variable))
                yield return ($"{key}:Env", $"clients cannot be allowed to set the variable \"{variable}\"");
        }

        foreach (string variable in command.UnsafeEnv)
        {
            if (EnvironmentVariable.MayBeAllowed(variable))
                yield return ($"{key}:UnsafeEnv", $"the variable \"{variable}\" is not known to change which code runs; name it in Env");
            else if (!EnvironmentVariable.SteersPrograms(variable))
                yield return ($"{key}:UnsafeEnv", $"clients cannot be allowed to set the variable \"{variable}\"");
        }

        var used = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < command.Command.Count; i++)
        {
            string word = command.Command[i];
            if (word.Contains('\0', StringComparison.Ordinal))
                yield return ($"{key}:Command:{i}", "must not contain NUL");
            if (CommandWord.Undeclared(word, command.Parameters.ContainsKey) is { } undeclared)
                yield return ($"{key}:Command:{i}", $"names the parameter \"{undeclared}\", which Parameters does not declare");
            if (i == 0)
                continue; // This is the path of the program, in which braces are text.
            var parsed = CommandWord.Parse(word, command.Parameters.ContainsKey);
            if (parsed.Problem is { } wrongWord)
                yield return ($"{key}:Command:{i}", wrongWord);
            used.UnionWith(parsed.Parameters);
        }

        foreach ((string parameter, ParameterOptions value) in command.Parameters)
        {
            string parameterKey = $"{key}:Parameters:{parameter}";
            if (!JobName.IsValid(parameter))
                yield return (parameterKey, $"a parameter's name must be {JobName.Rule}");
            if (!used.Contains(parameter))
                yield return (parameterKey, $"is not used in Command; add the word \"{{{parameter}}}\"");
            if (value.Type is not ("string" or "integer" or "number" or "boolean"))
                yield return ($"{parameterKey}:Type", "must be string, integer, number or boolean");
            if (value.MaxLength is not null && value.Type != "string")
                yield return ($"{parameterKey}:MaxLength", "only a string can have a MaxLength");
            else if (value.MaxLength is < 1 or > Pattern.LargestMaxLength)
                yield return ($"{parameterKey}:MaxLength", $"must be from 1 to {Pattern.LargestMaxLength}");
            else if (PatternProblem(value) is { } wrong)
                yield return ($"{parameterKey}:Pattern", wrong);
            else if (value.Default is { } text && DefaultProblem(value, text) is { } wrongDefault)
                yield return ($"{parameterKey}:Default", wrongDefault);
        }
    }

    private static string? PatternProblem(ParameterOptions parameter)
    {
        if (parameter.Pattern is null)
            return null;
        if (parameter.Type != "string")
            return "only a string can have a Pattern";
        try
        {
            _ = PatternOf(parameter);
            return null;
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            return $"cannot be used as a regular expression: {failure.Message}";
        }
    }

    private static Pattern PatternOf(ParameterOptions parameter) =>
        Pattern.Create(parameter.Pattern!, "Pattern", parameter.MaxLength ?? Pattern.DefaultMaxLength);

    private static string? DefaultProblem(ParameterOptions parameter, string text) => parameter.Type switch
    {
        "string" when text.Contains('\0', StringComparison.Ordinal) => "must not contain NUL",
        "string" when parameter.MaxLength is { } most && Encoding.UTF8.GetByteCount(text) > most => "is longer than MaxLength",
        "string" when parameter.Pattern is not null && !PatternOf(parameter).Matches(text) => "does not match the Pattern",
        "integer" when !long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) => "must be an integer",
        "number" when !IsJsonNumber(text) => "must be a number",
        "boolean" when !bool.TryParse(text, out _) => "must be true or false",
        _ => null,
    };

    private static bool IsJsonNumber(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static IEnumerable<(string Key, string Problem)> PolicyProblems(PolicyOptions policy)
    {
        if (policy.MinimumUid is 0 or uint.MaxValue)
            yield return ("Policy:MinimumUid", "must be from 1 to 4294967294");
        foreach ((string, string) problem in PolicyReader.Problems(policy))
            yield return problem;
        if (policy.UnknownNames is not (PolicyOptions.Warn or PolicyOptions.Refuse))
            yield return ("Policy:UnknownNames", $"must be \"{PolicyOptions.Warn}\" or \"{PolicyOptions.Refuse}\"");
        if (policy.PamService is { } service && PamProblem(service) is { } problemOfPam)
            yield return ("Policy:PamService", problemOfPam);
        foreach ((string, string) problem in SignInProblems(policy.SignIn))
            yield return problem;
    }

    private static IEnumerable<(string Key, string Problem)> SignInProblems(SignInOptions options)
    {
        const string Section = "Policy:SignIn";
        if (options.PamService is { } service && PamProblem(service) is { } problem)
            yield return ($"{Section}:PamService", problem);
        foreach ((string, string) outside in Range("TicketTime", options.TicketTime, TimeSpan.FromMinutes(1), 30 * Day, Section)
            .Concat(Range("MaxFailures", options.MaxFailures, 1, 1000, Section))
            .Concat(Range("MaxCallerFailures", options.MaxCallerFailures, 1, 100_000, Section))
            .Concat(Range("FailureWindow", options.FailureWindow, TimeSpan.FromSeconds(1), Day, Section))
            .Concat(Range("Timeout", options.Timeout, TimeSpan.FromSeconds(1), TenMinutes, Section)))
            yield return outside;
    }

    private static string? PamProblem(string service) =>
        !JobName.IsValid(service) || !Array.Exists(PamFolders, folder => File.Exists(Path.Combine(folder, service)))
            ? $"there is no PAM service \"{service}\": no such file in {string.Join(" or ", PamFolders)}"
            : Pam.IsAvailable() ? null : $"{Pam.LibraryName} cannot be loaded; install it, or set none";

    private static IEnumerable<(string Key, string Problem)> LimitProblems(LimitOptions limits) =>
        Range("MaxConnections", limits.MaxConnections, 1, 100_000)
            .Concat(Range("MaxConnectionsPerUid", limits.MaxConnectionsPerUid, 1, 100_000))
            .Concat(Range("MaxReceivingPerUid", limits.MaxReceivingPerUid, 1, 100_000))
            .Concat(Range("RootReserve", limits.RootReserve, 0, 1000))
            .Concat(Range("MaxJobs", limits.MaxJobs, 1, 10_000))
            .Concat(Range("MaxJobsPerUid", limits.MaxJobsPerUid, 1, 10_000))
            .Concat(Range("RequestTimeout", limits.RequestTimeout, Tenth, TenMinutes))
            .Concat(Range("LookupTimeout", limits.LookupTimeout, Tenth, TenMinutes))
            .Concat(Range("LookupCacheTime", limits.LookupCacheTime, TimeSpan.Zero, TimeSpan.FromHours(1)))
            .Concat(Range("MaxQueued", limits.MaxQueued, 0, 100_000))
            .Concat(Range("QueueTimeout", limits.QueueTimeout, Tenth, TenMinutes))
            .Concat(Range("OutputLimit", limits.OutputLimit ?? 0, 0, long.MaxValue))
            .Concat(Range("JobTimeout", limits.JobTimeout, Tenth, Day))
            .Concat(Range("KillGrace", limits.KillGrace, TimeSpan.Zero, TenMinutes))
            .Concat(Range("OrphanGrace", limits.OrphanGrace, TimeSpan.Zero, TenMinutes))
            .Concat(Range("DrainTimeout", limits.DrainTimeout, TimeSpan.Zero, TimeSpan.FromHours(1)))
            .Concat(limits.Cgroup is "auto" or "required" or "off" ? [] : [("Limits:Cgroup", "must be auto, required or off")]);

    private static IEnumerable<(string Key, string Problem)> AuditProblems(AuditOptions audit)
    {
        if (audit.File is { } file && AuditFile.Problem(file) is { } problem)
            yield return ("Audit:File", problem);
        if (audit.Required && audit.File is null)
            yield return ("Audit:Required", "needs a file: set Audit:File");
        if (audit.RecordsPerMinute is < 1 or > 1_000_000)
            yield return ("Audit:RecordsPerMinute", "must be from 1 to 1000000, or null for no limit");
    }

    private static IEnumerable<(string Key, string Problem)> WorkerProblems(WorkerLimitOptions worker)
    {
        foreach ((string Key, string Problem) problem in Range("Worker:OpenFiles", worker.OpenFiles, 16, 1_048_576)
            .Concat(Range("Worker:CpuSeconds", worker.CpuSeconds ?? 1, 1, int.MaxValue))
            .Concat(Range("Worker:FileSize", worker.FileSize ?? 0, 0, long.MaxValue))
            .Concat(Range("Worker:CoreSize", worker.CoreSize ?? 0, 0, long.MaxValue))
            .Concat(Range("Worker:MemoryMax", worker.MemoryMax ?? MinimumMemory, MinimumMemory, long.MaxValue))
            .Concat(Range("Worker:PidsMax", worker.PidsMax ?? 1, 1, 4_194_304))
            .Concat(Range("Worker:CpuWeight", worker.CpuWeight ?? 1, 1, 10_000))
            .Concat(Range("Worker:OomScoreAdj", worker.OomScoreAdj, -1000, 1000))
            .Concat(Range("Worker:Nice", worker.Nice, -20, 19)))
            yield return problem;
        if (!PermissionBits.TryParse(worker.Umask, out _))
            yield return ("Limits:Worker:Umask", "must be octal digits from 0000 to 0777, as a string");
    }

    private static IEnumerable<(string Key, string Problem)> Range<T>(string key, T value, T least, T most, string section = "Limits")
        where T : IComparable<T>, IFormattable
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            yield return ($"{section}:{key}", string.Create(CultureInfo.InvariantCulture, $"is {value}, must be from {least} to {most}"));
    }
}
