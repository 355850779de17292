using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol;

/// <summary>
/// What a job may reach, beside what its user may. Several for one job all hold: each takes away. With any, the job gets into no process
/// of its user's outside of it, by ptrace(2), pidfd_getfd(2) or /proc/PID/mem: there it could do what it must not; landlock(7). It
/// signals none of them either, where the kernel knows <see cref="SignalsVersion"/>.
/// </summary>
public sealed record Sandbox
{
    /// <summary>From this version of landlock(7) on (Linux 6.12) a job in a sandbox can signal only its own processes.</summary>
    public const int SignalsVersion = 6;

    /// <summary>The most paths in a list.</summary>
    public const int MaxPaths = 256;

    /// <summary>
    /// What may be read and executed: absolute paths, or <c>~</c> and paths below it for the user's home, with all that lies below. Where
    /// this or <see cref="ReadWrite"/> holds a path, nothing else of the file system may be opened or changed; landlock(7). A path that
    /// is missing fails the job.
    /// </summary>
    [JsonPropertyName("readOnly")]
    public IReadOnlyList<string> ReadOnly { get; init; } = [];

    /// <summary>What may also be written, in the same way.</summary>
    [JsonPropertyName("readWrite")]
    public IReadOnlyList<string> ReadWrite { get; init; } = [];

    /// <summary>
    /// Whether there are no sockets but stream and seqpacket pairs, connected to each other: neither to other machines nor to services of
    /// this one, which would do for the job what it must not do itself; seccomp(2). Where files are restricted, AF_UNIX sockets are
    /// forbidden anyway.
    /// </summary>
    [JsonPropertyName("noNetwork")]
    public bool NoNetwork { get; init; }

    /// <summary>Which calls are forbidden.</summary>
    [JsonPropertyName("seccomp")]
    public SeccompProfile Seccomp { get; init; }

    /// <summary>Whether it says which files may be reached.</summary>
    [JsonIgnore]
    public bool RestrictsFiles => ReadOnly.Count > 0 || ReadWrite.Count > 0;

    /// <summary>Whether it restricts calls: also where it restricts files, around which a service of the machine would lead.</summary>
    [JsonIgnore]
    public bool RestrictsCalls => RestrictsFiles || NoNetwork || Seccomp != SeccompProfile.None;

    /// <summary>Whether it restricts anything.</summary>
    [JsonIgnore]
    public bool IsEmpty => !RestrictsCalls;

    /// <summary>What is wrong with a path of the lists; null for nothing.</summary>
    public static string? PathProblem(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Contains('\0', StringComparison.Ordinal) || path.Length > 4096)
            return "must have at most 4096 characters and no NUL";
        return path.StartsWith('/') || path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? null
            : "must be an absolute path, or ~ or ~/... for the user's home";
    }

    /// <summary>What it takes, in words for a person.</summary>
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
    /// <summary>None is forbidden by this.</summary>
    [JsonStringEnumMemberName("none")] None = 0,

    /// <summary>
    /// Calls that are dangerous and that few programs need: tracing and other processes' memory, keyrings, mounts, namespaces, bpf,
    /// perf_event_open, userfaultfd, kexec, kernel modules, io_uring, open_by_handle_at, input pushed into terminals, and their like.
    /// </summary>
    [JsonStringEnumMemberName("default")] Default = 1,
}
