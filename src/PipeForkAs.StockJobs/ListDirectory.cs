using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>list-directory</c>.</summary>
/// <param name="Path">The directory; relative to the working directory, which is the user's home directory.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record ListDirectoryArguments(string Path = ".", string? PathBytes = null);

/// <summary>The result of <c>list-directory</c>.</summary>
/// <param name="Path">The directory as an absolute path.</param>
/// <param name="Entries">The entries, in the byte order of their names.</param>
/// <param name="PathBytes">The path as bytes, in base64, if it is not UTF-8.</param>
internal sealed record DirectoryListing(string Path, IReadOnlyList<DirectoryEntry> Entries, string? PathBytes = null);

/// <summary>One entry. Only the name is known if the entry was removed meanwhile, or if the user may not inspect it.</summary>
/// <param name="Name">The entry's name; invalid UTF-8 is shown as U+FFFD.</param>
/// <param name="Kind">
/// <c>regular</c>, <c>directory</c>, <c>symbolic-link</c> (whatever its target is), <c>fifo</c>, <c>socket</c>, <c>character-device</c> or
/// <c>block-device</c>.
/// </param>
/// <param name="Size">The size in bytes.</param>
/// <param name="Mode">The permissions, in octal as for chmod(1).</param>
/// <param name="Owner">The owner's name, or the uid if it has no name.</param>
/// <param name="Modified">The time of the last change of the content, UTC; empty outside the years 1 to 9999.</param>
/// <param name="NameBytes">The name as bytes, in base64, if it is not UTF-8.</param>
/// <param name="PathBytes">The whole path of such an entry, in the form of <c>pathBytes</c> of other jobs.</param>
internal sealed record DirectoryEntry(
    string Name, string? Kind, long? Size, string? Mode, string? Owner, DateTime? Modified,
    string? NameBytes = null, string? PathBytes = null);

/// <summary>The job <c>list-directory</c>: takes an arguments record and returns a result record.</summary>
internal static class ListDirectory
{
    public static DirectoryListing List(ListDirectoryArguments arguments)
    {
        FilePath directory = FilePath.Of(arguments.Path, arguments.PathBytes, ".").Absolute();
        List<byte[]> names = Libc.names_in(directory.Bytes, out Errno error, followLink: true)
            ?? throw FileFailure.Of(error, $"{directory} cannot be listed");
        names.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
        var owners = new AccountNames();
        return new DirectoryListing(
            directory.Text, [.. names.Select(name => Describe(directory, name, owners))], FilePath.Base64Of(directory.Bytes));
    }

    private static DirectoryEntry Describe(FilePath directory, byte[] name, AccountNames owners)
    {
        FilePath path = directory.Join(name);

        // One entry must not hide the others: the user may read but not search the directory, or a mounted file system may not be
        // available.
        FileStatus? found = Libc.lstat(path.Bytes, out _);
        string? nameBytes = FilePath.Base64Of(name);
        return new(
            Encoding.UTF8.GetString(name),
            found is { } kind ? FileText.KindOf(kind) : null,
            found?.Size,
            found is { } mode ? FileText.ModeOf(mode) : null,
            found is { } owned ? owners.Of(owned.Owner) : null,
            found?.Modified,
            nameBytes,
            nameBytes is null ? null : Convert.ToBase64String(path.Bytes));
    }
}
