using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The kinds of a stock job's failure with a file: names that programs may depend on, each with the errno, errno(3). An errno
/// without a name has the kind <c>io</c>.
/// </summary>
internal static class FileFailure
{
    /// <summary>The kind without a failed call: the job does not support this type of file.</summary>
    public const string NotRegular = "not-a-regular-file";

    /// <summary>The kind without a failed call: fewer or more bytes arrived than announced, or an archive lacks files.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>The kind without a failed call: another process changed the files at the same time.</summary>
    public const string Changed = "changed";

    /// <summary>The kind without a failed call: the job keeps this folder.</summary>
    public const string Kept = "kept";

    /// <summary>The kind of a program that the job needs and cannot execute.</summary>
    public const string NoProgram = "no-program";

    /// <summary>The largest errno.</summary>
    private const int LastErrno = 4095;

    private static readonly Dictionary<int, string> Kinds = new()
    {
        [1] = "permission-denied", // EPERM
        [2] = "not-found", // ENOENT
        [13] = "permission-denied", // EACCES
        [16] = "busy", // EBUSY
        [17] = "exists", // EEXIST
        [18] = "other-file-system", // EXDEV
        [20] = "not-a-directory", // ENOTDIR
        [21] = "is-a-directory", // EISDIR
        [23] = "too-many-open-files", // ENFILE
        [24] = "too-many-open-files", // EMFILE
        [26] = "busy", // ETXTBSY
        [27] = "too-large", // EFBIG
        [28] = "no-space", // ENOSPC
        [30] = "read-only", // EROFS
        [36] = "name-too-long", // ENAMETOOLONG
        [39] = "not-empty", // ENOTEMPTY
        [40] = "too-many-links", // ELOOP
        [116] = "stale", // ESTALE
        [122] = "quota", // EDQUOT
    };

    /// <summary>Creates the exception for a failed call.</summary>
    /// <param name="errno">The errno of the call.</param>
    /// <param name="what">What failed, for people.</param>
    public static JobException Of(Errno errno, string what) => new(KindOf(errno.Value), $"{what}: {errno}", errno.Value);

    /// <summary>Creates the exception for a .NET exception, which has the errno as its result code; null if it has none.</summary>
    public static JobException? Of(IOException failure, string what) =>
        failure.HResult is > 0 and <= LastErrno ? Of(new Errno(failure.HResult), what) : null;

    private static string KindOf(int errno) => Kinds.GetValueOrDefault(errno, "io");
}
