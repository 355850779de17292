using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The folders that <c>remove</c> keeps, whatever path leads to them: the home of the user, and every folder that contains it, of
/// which <c>/</c> is the last.
/// </summary>
internal sealed class KeptFolders
{
    private readonly HashSet<(ulong Device, ulong Inode)> folders = [];

    /// <param name="home">The home of the user.</param>
    public KeptFolders(string home)
    {
        Add(home);
        Add("/");
    }

    public bool Contains(FileStatus folder) => folders.Contains((folder.Device, folder.Inode));

    /// <summary>Adds a folder and the folders above it. A home that does not exist, or that the user cannot reach, is not added.</summary>
    private void Add(string path)
    {
        const OpenFlags Flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY;
#pragma warning disable CA2000 // The loop closes it.
        FileDescriptor? folder = Libc.open(Encoding.UTF8.GetBytes(path), Flags, 0, out _);
#pragma warning restore CA2000
        while (folder is not null)
        {
            using FileDescriptor inner = folder;
            FileStatus status = Libc.fstat(inner);
            folder = folders.Add((status.Device, status.Inode)) ? Libc.openat(inner, ".."u8, Flags, out _) : null;
        }
    }
}
