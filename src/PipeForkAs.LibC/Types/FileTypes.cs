namespace PipeForkAs.LibC;

/// <summary>Flags of open(2).</summary>
[Flags]
public enum OpenFlags
{
    /// <summary>Read only.</summary>
    O_RDONLY = 0,

    /// <summary>Write only.</summary>
    O_WRONLY = 1,

    /// <summary>Read and write.</summary>
    O_RDWR = 2,

    /// <summary>Create the file if it does not exist.</summary>
    O_CREAT = 0x40,

    /// <summary>Fail if the file exists.</summary>
    O_EXCL = 0x80,

    /// <summary>A terminal does not become the controlling terminal of the process.</summary>
    O_NOCTTY = 0x100,

    /// <summary>Truncate the file to length 0.</summary>
    O_TRUNC = 0x200,

    /// <summary>Each write goes to the current end of the file.</summary>
    O_APPEND = 0x400,

    /// <summary>Calls return EAGAIN instead of waiting.</summary>
    O_NONBLOCK = 0x800,

    /// <summary>Fail if the path is not a directory.</summary>
    O_DIRECTORY = 0x10000,

    /// <summary>Fail if the last part of the path is a symbolic link.</summary>
    O_NOFOLLOW = 0x20000,

    /// <summary>exec closes the descriptor.</summary>
    O_CLOEXEC = 0x80000,

    /// <summary>Only a location in the file system, not open for reading or writing.</summary>
    O_PATH = 0x200000,
}

/// <summary>The type of a file: the type bits of its mode; inode(7).</summary>
public enum FileKind
{
    /// <summary>A named pipe.</summary>
    Fifo = 0x1000,

    /// <summary>A character device.</summary>
    CharacterDevice = 0x2000,

    /// <summary>A directory.</summary>
    Directory = 0x4000,

    /// <summary>A block device.</summary>
    BlockDevice = 0x6000,

    /// <summary>A regular file.</summary>
    Regular = 0x8000,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 0xA000,

    /// <summary>A socket.</summary>
    Socket = 0xC000,
}

/// <summary>The attributes of a file from statx(2).</summary>
/// <param name="Kind">The file's type.</param>
/// <param name="Permissions">The permission bits, with set-user-id, set-group-id and sticky: 0 to 07777.</param>
/// <param name="Owner">Its owner.</param>
/// <param name="Group">Its group.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Blocks">The space on disk, in units of 512 bytes.</param>
/// <param name="Links">The number of its names.</param>
/// <param name="Inode">The number of its inode.</param>
/// <param name="Device">The device that contains the file: major number in the upper, minor number in the lower 32 bits.</param>
/// <param name="ModifiedSeconds">The time of the last change of the content, in seconds since 1970.</param>
/// <param name="ModifiedNanoseconds">The same time, the part below a second.</param>
public readonly record struct FileStatus(
    FileKind Kind, uint Permissions, UserId Owner, GroupId Group, long Size, long Blocks, uint Links, ulong Inode, ulong Device,
    long ModifiedSeconds, uint ModifiedNanoseconds)
{
    /// <summary>The unit of <see cref="Blocks"/>, whatever the file system's own block size is.</summary>
    public const int BlockBytes = 512;

    /// <summary>The device as one number, in the form of stat(2) and makedev(3).</summary>
    public ulong DeviceNumber
    {
        get
        {
            ulong major = Device >> 32, minor = Device & uint.MaxValue;
            return ((major & 0xFFF) << 8) | ((major & ~0xFFFul) << 32) | (minor & 0xFF) | ((minor & ~0xFFul) << 12);
        }
    }

    /// <summary>The time of the last change of the content, UTC, to 100 nanoseconds; null outside the years 1 to 9999.</summary>
    public DateTime? Modified
    {
        get
        {
            const long FirstSecond = -62_135_596_800, LastSecond = 253_402_300_799;
            return ModifiedSeconds is >= FirstSecond and <= LastSecond
                ? DateTime.UnixEpoch.AddSeconds(ModifiedSeconds).AddTicks(ModifiedNanoseconds / TimeSpan.NanosecondsPerTick)
                : null;
        }
    }
}
