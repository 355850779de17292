using PipeForkAs.Files.Paths;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Jobs;

/// <summary>A job did not do what the user asked for. The message is for the user.</summary>
internal sealed class FileProblem : Exception
{
    /// <summary>The kinds of failures of the stock jobs, each with a status of HTTP and its words.</summary>
    private static readonly Dictionary<string, (int Status, string Words)> Kinds = new()
    {
        ["permission-denied"] = (403, "Permission denied"),
        ["not-found"] = (404, "No such file or folder"),
        ["exists"] = (409, "It exists already"),
        ["not-empty"] = (409, "The folder is not empty"),
        ["not-a-directory"] = (409, "Not a folder"),
        ["is-a-directory"] = (409, "It is a folder"),
        ["not-a-regular-file"] = (409, "Not a regular file"),
        ["too-large"] = (413, "The file would exceed the size limit"),
        ["no-space"] = (507, "No space is left on the disk"),
        ["quota"] = (507, "The disk quota is used up"),
        ["read-only"] = (403, "The file system is read-only"),
        ["name-too-long"] = (400, "The name is too long"),
        ["too-many-links"] = (409, "Too many symbolic links"),
        ["too-many-open-files"] = (503, "Too many files are open on the machine"),
        ["incomplete"] = (400, "The upload was cut short; nothing was written"),
        ["other-file-system"] = (409, "It is on another file system"),
        ["changed"] = (409, "Another program changed it meanwhile"),
        ["kept"] = (409, "The home folder is not deleted"),
        ["busy"] = (409, "It is in use"),
        ["stale"] = (404, "It was removed meanwhile"),
    };

    private FileProblem(string message, int status, JobResult? result, Exception? cause = null, string? kind = null)
        : base(message, cause)
    {
        Status = status;
        Result = result;
        Kind = kind ?? result?.Error?.Type;
    }

    /// <summary>The status of HTTP.</summary>
    public int Status { get; }

    /// <summary>How the job ended; null if there was no reply.</summary>
    public JobResult? Result { get; }

    /// <summary>The kind of the job's failure; null if it has none.</summary>
    public string? Kind { get; }

    /// <summary>Whether the policy of the daemon refused, or the account does not exist any more.</summary>
    public bool IsRefusal => Result?.Code is ReplyCode.Denied or ReplyCode.UnknownUser;

    /// <summary>Creates the problem of a job that ran or was refused.</summary>
    public static FileProblem Of(JobResult result, BytePath path, Account account)
    {
        (int status, string words) = Explain(result);
        return new FileProblem($"{words}: {path}, as {UntrustedText.Excerpt(account.Name)}", status, result);
    }

    /// <summary>Creates the problem of a request that got no reply.</summary>
    public static FileProblem Of(PipeForkAsException failure) => failure switch
    {
        ConnectionException or UntrustedDaemonException => new("The daemon of this machine cannot be reached", 503, null, failure),
        OutputTooLargeException => new("There are too many entries to show", 500, null, failure),
        _ => new("The daemon of this machine did not reply as expected", 502, null, failure),
    };

    /// <summary>Creates the problem of a request that the page itself cannot pass on.</summary>
    public static FileProblem Of(int status, string message) => new(message, status, null);

    /// <summary>Creates the problem of an upload whose name is taken.</summary>
    public static FileProblem Taken(BytePath path, bool isFolder, Account account)
    {
        string kind = isFolder ? "is-a-directory" : "exists";
        (int status, string words) = Kinds[kind];
        return new($"{words}: {path}, as {UntrustedText.Excerpt(account.Name)}", status, null, kind: kind);
    }

    private static (int Status, string Words) Explain(JobResult result) => result.Code switch
    {
        ReplyCode.Error when result is { Job: "archive-directory", Error.Type: "incomplete" } => (500, "Some files in it cannot be read"),
        ReplyCode.Error when result.Error is { } error && Kinds.TryGetValue(error.Type, out (int, string) known) => known,
        ReplyCode.Error => (500, $"It failed ({UntrustedText.Excerpt(result.Error?.Message ?? "without a reason")})"),
        ReplyCode.Denied => (403, "The policy of this machine denies it"),
        ReplyCode.UnknownUser => (403, "There is no such account on this machine"),
        ReplyCode.UnknownJob => (501, $"This machine has no job {UntrustedText.Excerpt(result.Job ?? "")}"),
        ReplyCode.BadArguments => (400, "The path or the name is not valid"),
        ReplyCode.Timeout => (504, "It took too long"),
        ReplyCode.OutputLimit => (500, "The result is larger than the limit of this machine"),
        ReplyCode.Busy => (503, "The machine is busy; try again later"),
        ReplyCode.ShuttingDown => (503, "The daemon is stopping; try again later"),
        _ => (502, $"It failed ({result.Code})"),
    };
}
