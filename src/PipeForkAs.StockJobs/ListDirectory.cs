using System.Text.Json;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>list-directory</c> takes.</summary>
/// <param name="Path">The directory; relative to the working directory, which is the user's home.</param>
internal sealed record ListDirectoryArguments(string Path = ".");

/// <summary>What <c>list-directory</c> returns.</summary>
/// <param name="Path">The directory, absolute.</param>
/// <param name="Entries">What is in it, ordered by name as bytes are.</param>
internal sealed record DirectoryListing(string Path, IReadOnlyList<DirectoryEntry> Entries);

/// <summary>One entry. Only the name is known of one that went away meanwhile, that the user may not look at, or whose name is not UTF-8.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">
/// <c>regular</c>, <c>directory</c>, <c>symbolic-link</c> (wherever it leads), <c>fifo</c>, <c>socket</c>, <c>character-device</c> or <c>block-device</c>.
/// </param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Mode">Its permissions, in octal as of chmod(1).</param>
/// <param name="Owner">Its owner's name, or the uid where that has none.</param>
/// <param name="Modified">When its content last changed, UTC; nothing outside of the years 1 to 9999.</param>
internal sealed record DirectoryEntry(string Name, string? Kind, long? Size, string? Mode, string? Owner, DateTime? Modified);

/// <summary>The job <c>list-directory</c>: from an arguments record to a result record.</summary>
internal static class ListDirectory
{
    public static DirectoryListing List(ListDirectoryArguments arguments)
    {
        string directory = Path.GetFullPath(arguments.Path);
        if (Libc.stat(directory) is { Kind: not FileKind.Directory })
            throw new IOException($"{directory} is no directory");

        var owners = new OwnerNames();
        IEnumerable<DirectoryEntry> entries = Directory.EnumerateFileSystemEntries(directory)
            .Order(StringComparer.Ordinal)
            .Select(path => Describe(path, owners));
        return new DirectoryListing(directory, [.. entries]);
    }

    private static DirectoryEntry Describe(string path, OwnerNames owners)
    {
        string name = Path.GetFileName(path);
        return Look(path) is { } status
            ? new(name, KindOf(status), status.Size, ModeOf(status), owners.Of(status.Owner), status.Modified)
            : new(name, null, null, null, null, null);
    }

    private static FileStatus? Look(string path)
    {
        try
        {
            return Libc.lstat(path);
        }
        catch (SystemCallException)
        {
            // One entry must not hide the others: a folder that may be read and not searched, somebody's file system that is away.
            return null;
        }
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
