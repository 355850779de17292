using System.Text;
using System.Text.Json;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>list-directory</c> takes.</summary>
/// <param name="Path">The directory; relative to the working directory, which is the user's home.</param>
/// <param name="PathBytes">The same byte by byte, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record ListDirectoryArguments(string Path = ".", string? PathBytes = null);

/// <summary>What <c>list-directory</c> returns.</summary>
/// <param name="Path">The directory, absolute.</param>
/// <param name="Entries">What is in it, ordered by name as bytes are.</param>
/// <param name="PathBytes">The directory byte by byte, in base64, where it is not UTF-8.</param>
internal sealed record DirectoryListing(string Path, IReadOnlyList<DirectoryEntry> Entries, string? PathBytes = null);

/// <summary>One entry. Only the name is known of one that went away meanwhile, or that the user may not look at.</summary>
/// <param name="Name">Its name; what is not UTF-8 is shown as U+FFFD.</param>
/// <param name="Kind">
/// <c>regular</c>, <c>directory</c>, <c>symbolic-link</c> (wherever it leads), <c>fifo</c>, <c>socket</c>, <c>character-device</c> or
/// <c>block-device</c>.
/// </param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Mode">Its permissions, in octal as of chmod(1).</param>
/// <param name="Owner">Its owner's name, or the uid where that has none.</param>
/// <param name="Modified">When its content last changed, UTC; nothing outside of the years 1 to 9999.</param>
/// <param name="NameBytes">Its name byte by byte, in base64, where that is not UTF-8.</param>
/// <param name="PathBytes">The whole path of such an entry, as other jobs take it for <c>pathBytes</c>.</param>
internal sealed record DirectoryEntry(
    string Name, string? Kind, long? Size, string? Mode, string? Owner, DateTime? Modified,
    string? NameBytes = null, string? PathBytes = null);

/// <summary>The job <c>list-directory</c>: from an arguments record to a result record.</summary>
internal static class ListDirectory
{
    public static DirectoryListing List(ListDirectoryArguments arguments)
    {
        FilePath directory = FilePath.Of(arguments.Path, arguments.PathBytes, ".").Absolute();
        List<byte[]> names = Libc.names_in(directory.Bytes, out Errno error, followLink: true)
            ?? throw FileFailure.Of(error, $"{directory} cannot be listed");
        names.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
        var owners = new OwnerNames();
        return new DirectoryListing(
            directory.Text, [.. names.Select(name => Describe(directory, name, owners))], FilePath.Base64Of(directory.Bytes));
    }

    private static DirectoryEntry Describe(FilePath directory, byte[] name, OwnerNames owners)
    {
        FilePath path = directory.Join(name);

        // One entry must not hide the others: a folder that may be read and not searched, somebody's file system that is away.
        FileStatus? found = Libc.lstat(path.Bytes, out _);
        string? nameBytes = FilePath.Base64Of(name);
        return new(
            Encoding.UTF8.GetString(name),
            found is { } kind ? KindOf(kind) : null,
            found?.Size,
            found is { } mode ? ModeOf(mode) : null,
            found is { } owned ? owners.Of(owned.Owner) : null,
            found?.Modified,
            nameBytes,
            nameBytes is null ? null : Convert.ToBase64String(path.Bytes));
    }

    private static string KindOf(FileStatus status) => JsonNamingPolicy.KebabCaseLower.ConvertName(status.Kind.ToString());

    private static string ModeOf(FileStatus status) => Convert.ToString(status.Permissions, 8).PadLeft(4, '0');

    /// <summary>Names of owners, each looked up once.</summary>
    private sealed class OwnerNames
    {
        private readonly Dictionary<UserId, string> names = [];

        public string Of(UserId owner)
        {
            if (!names.TryGetValue(owner, out string? name))
                names[owner] = name = Find(owner) ?? owner.ToString();
            return name;
        }

        private static string? Find(UserId owner)
        {
            try
            {
                return Libc.getpwuid(owner)?.Name;
            }
            catch (SystemCallException)
            {
                // A name service that is away takes nothing from the numbers.
                return null;
            }
        }
    }
}
