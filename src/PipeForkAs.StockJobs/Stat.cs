using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>stat</c>.</summary>
/// <param name="Path">The file or directory; relative to the working directory, which is the user's home directory.</param>
/// <param name="FollowLink">Whether to show what a symbolic link leads to, instead of the link.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record StatArguments(string? Path = null, bool FollowLink = false, string? PathBytes = null);

/// <summary>The result of <c>stat</c>: an entry as in <see cref="DirectoryEntry"/>, and more.</summary>
/// <param name="Path">The absolute path; invalid UTF-8 is shown as U+FFFD.</param>
/// <param name="Name">The last name of the path; <c>/</c> for the root directory.</param>
/// <param name="Kind">The kind, as in <see cref="DirectoryEntry"/>.</param>
/// <param name="Size">The size in bytes.</param>
/// <param name="Mode">The permissions, in octal as for chmod(1).</param>
/// <param name="Owner">The owner's name, or the uid if it has no name.</param>
/// <param name="Group">The group's name, or the gid if it has no name.</param>
/// <param name="Links">The number of names (hard links).</param>
/// <param name="Modified">The time of the last change of the content, UTC; empty outside the years 1 to 9999.</param>
/// <param name="Target">What the symbolic link contains, which need not exist; empty if it is not a link.</param>
/// <param name="NameBytes">The name as bytes, in base64, if it is not UTF-8.</param>
/// <param name="PathBytes">The path as bytes, in base64, if it is not UTF-8.</param>
/// <param name="TargetBytes">The target as bytes, in base64, if it is not UTF-8.</param>
internal sealed record StatResult(
    string Path, string Name, string Kind, long Size, string Mode, string Owner, string Group, uint Links, DateTime? Modified,
    string? Target = null, string? NameBytes = null, string? PathBytes = null, string? TargetBytes = null);

/// <summary>The job <c>stat</c>.</summary>
internal static class Stat
{
    public static StatResult Inspect(StatArguments arguments)
    {
        var given = FilePath.Of(arguments.Path, arguments.PathBytes);

        // Open only as a location, so that attributes and target are those of the same file.
        OpenFlags flags = OpenFlags.O_PATH | (arguments.FollowLink ? 0 : OpenFlags.O_NOFOLLOW);
        using FileDescriptor file = Libc.open(given.Bytes, flags, 0, out Errno hidden)
            ?? throw FileFailure.Of(hidden, $"{given} cannot be inspected");
        FileStatus status = Libc.fstat(file);
        byte[]? target = status.Kind == FileKind.SymbolicLink
            ? Libc.readlink(file, out Errno unread) ?? throw FileFailure.Of(unread, $"the link {given} cannot be read")
            : null;

        FilePath path = given.Absolute();
        byte[] name = path.Split().Name is { Length: > 0 } last ? last : "/"u8.ToArray();
        var names = new AccountNames();
        return new StatResult(
            path.Text, Encoding.UTF8.GetString(name), FileText.KindOf(status), status.Size, FileText.ModeOf(status),
            names.Of(status.Owner), names.Of(status.Group), status.Links, status.Modified,
            target is null ? null : Encoding.UTF8.GetString(target),
            FilePath.Base64Of(name), FilePath.Base64Of(path.Bytes), target is null ? null : FilePath.Base64Of(target));
    }
}
