using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol;

/// <summary>What a job may access, out of what its user may access. Several sandboxes for one job all apply: each takes access away. With
/// any sandbox, the job cannot enter a process of its user outside the sandbox with ptrace(2), pidfd_getfd(2) or /proc/PID/mem, because it
/// could do forbidden things there; landlock(7). It cannot signal such a process either, if the kernel supports
/// <see cref="SignalsVersion"/>.
/// </summary>
public sealed record Sandbox
{
    /// <summary>The first version of landlock(7) (Linux 6.12) with which a job in a sandbox can signal only its own processes.</summary>
    public const int SignalsVersion = 6;

    /// <summary>The most paths in a list.</summary>
    public const int MaxPaths = 256;

    /// <summary>What the job may read and execute: absolute paths, or <c>~</c> for the user's home directory and paths below it, with
    /// everything below them. If this or <see cref="ReadWrite"/> contains a path, the job cannot open or change anything else in the file
    /// system; landlock(7). If a path does not exist, the job fails.
    /// </summary>
    [JsonPropertyName("readOnly")]
    public IReadOnlyList<string> ReadOnly { get; init; } = [];

    /// <summary>What the job may also write, in the same form.</summary>
    [JsonPropertyName("readWrite")]
    public IReadOnlyList<string> ReadWrite { get; init; } = [];

    /// <summary>Whether the job can create no sockets except connected stream and seqpacket pairs. It can then connect neither to other
    /// machines nor to services of this machine, which could do for the job what the sandbox forbids; seccomp(2). If files are restricted,
    /// AF_UNIX sockets are forbidden in any case.
    /// </summary>
    [JsonPropertyName("noNetwork")]
    public bool NoNetwork { get; init; }

    /// <summary>Which system calls are forbidden.</summary>
    [JsonPropertyName("seccomp")]
    public SeccompProfile Seccomp { get; init; }

    /// <summary>Whether the sandbox restricts files.</summary>
    [JsonIgnore]
    public bool RestrictsFiles => ReadOnly.Count > 0 || ReadWrite.Count > 0;

    /// <summary>Whether the sandbox restricts calls. This is also true if it restricts files, because a service on the machine could bypass
    /// that.
    /// </summary>
    [JsonIgnore]
    public bool RestrictsCalls => RestrictsFiles || NoNetwork || Seccomp != SeccompProfile.None;

    /// <summary>Whether the sandbox restricts nothing.</summary>
    [JsonIgnore]
    public bool IsEmpty => !RestrictsCalls;

    /// <summary>Returns what is wrong with a path of the lists; null for nothing.</summary>
    public static string? PathProblem(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Contains('\0', StringComparison.Ordinal) || path.Length > 4096)
            return "must have at most 4096 characters and no NUL";
        return path.StartsWith('/') || path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? null
            : "must be an absolute path, or ~ or ~/... for the user's home";
    }

    /// <summary>Describes the restrictions for people.</summary>
    public string InWords()
    {
        var words = new List<string>();
        if (RestrictsFiles)
            words.Add($"reads {List(ReadOnly)}, writes {List(ReadWrite)}, and nothing else");
        if (NoNetwork)
            words.Add("no sockets");
        if (Seccomp != SeccompProfile.None)
            words.Add("dangerous system calls are forbidden");
        return string.Join("; ", words);

        static string List(IReadOnlyList<string> paths) => paths.Count == 0 ? "nothing" : string.Join(" ", paths);
    }
}

/// <summary>Which system calls a job cannot make; seccomp(2).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SeccompProfile>))]
public enum SeccompProfile : byte
{
    /// <summary>The profile forbids no call.</summary>
    [JsonStringEnumMemberName("none")] None = 0,

    /// <summary>Forbids calls that are dangerous and that few programs need: tracing and other processes' memory, keyrings, mounts,
    /// namespaces, bpf, perf_event_open, userfaultfd, kexec, kernel modules, io_uring, open_by_handle_at, input pushed into terminals, and
    /// similar calls.
    /// </summary>
    [JsonStringEnumMemberName("default")] Default = 1,
}
