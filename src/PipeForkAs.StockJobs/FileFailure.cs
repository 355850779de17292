using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>
/// What a stock job's failure with a file is called: names that programs may depend on, with the errno beside them, errno(3). What has no
/// name of its own is <c>io</c>.
/// </summary>
internal static class FileFailure
{
    /// <summary>No call failed: the file is of a kind that the job does not take.</summary>
    public const string NotRegular = "not-a-regular-file";

    /// <summary>No call failed: fewer or more bytes came than were announced.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>The longest number of an error.</summary>
    private const int LastErrno = 4095;

    private static readonly Dictionary<int, string> Kinds = new()
    {
        [1] = "permission-denied", // EPERM
        [2] = "not-found", // ENOENT
        [13] = "permission-denied", // EACCES
        [17] = "exists", // EEXIST
        [20] = "not-a-directory", // ENOTDIR
        [21] = "is-a-directory", // EISDIR
        [23] = "too-many-open-files", // ENFILE
        [24] = "too-many-open-files", // EMFILE
        [26] = "busy", // ETXTBSY
        [27] = "too-large", // EFBIG
        [28] = "no-space", // ENOSPC
        [30] = "read-only", // EROFS
        [36] = "name-too-long", // ENAMETOOLONG
        [40] = "too-many-links", // ELOOP
        [116] = "stale", // ESTALE
        [122] = "quota", // EDQUOT
    };

    /// <summary>The failure of a call.</summary>
    /// <param name="errno">Why it failed.</param>
    /// <param name="what">What failed, for a person.</param>
    public static JobException Of(Errno errno, string what) => new(KindOf(errno.Value), $"{what}: {errno}", errno.Value);

    /// <summary>The same for an exception of .NET's, which has the errno as its result code; null where it has none.</summary>
    public static JobException? Of(IOException failure, string what) =>
        failure.HResult is > 0 and <= LastErrno ? Of(new Errno(failure.HResult), what) : null;

    private static string KindOf(int errno) => Kinds.GetValueOrDefault(errno, "io");
}
