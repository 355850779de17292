using System.Text;

namespace PipeForkAs.LibC.Tests;

/// <summary>Calls with a name in an open directory.</summary>
public sealed class EntryTests : IDisposable
{
    private const OpenFlags Location = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY;

    private readonly TemporaryDirectory folder = new();
    private readonly FileDescriptor directory;

    public EntryTests() => directory = Libc.open(folder.Path, Location);

    public void Dispose()
    {
        directory.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void An_entry_is_made_inspected_and_removed_in_the_open_directory()
    {
        byte[] name = [(byte)'n', 0xFF];
        Assert.Equal(Errno.None, Libc.mkdirat(directory, name, 0x1C0));
        Assert.Equal(Errno.EEXIST, Libc.mkdirat(directory, name, 0x1C0));
        Assert.Equal((FileKind.Directory, 0x1C0u), Kind(name) is { } made ? (made.Kind, made.Permissions) : default);
        Assert.Equal(Errno.EISDIR, Libc.unlinkat(directory, name, isDirectory: false));
        Assert.Equal(Errno.None, Libc.unlinkat(directory, name, isDirectory: true));
        Assert.Equal(Errno.ENOENT, Libc.unlinkat(directory, name, isDirectory: true));
        Assert.Null(Libc.lstat(directory, name, out Errno gone));
        Assert.Equal(Errno.ENOENT, gone);
    }

    [Fact]
    public void A_directory_with_entries_is_not_removed()
    {
        Assert.Equal(Errno.None, Libc.mkdirat(directory, "a"u8, 0x1C0));
        using FileDescriptor inner = Assert.IsType<FileDescriptor>(Libc.openat(directory, "a"u8, OpenFlags.O_RDONLY, out _));
        Assert.Equal(Errno.None, Libc.mkdirat(inner, "b"u8, 0x1C0));
        Assert.Equal(Errno.ENOTEMPTY, Libc.unlinkat(directory, "a"u8, isDirectory: true));
        Assert.Equal(["b"], Libc.names_in(inner, out _)!.Select(Encoding.UTF8.GetString));
    }

    [Fact]
    public void A_rename_without_replacement_replaces_nothing()
    {
        byte[] one = Bytes("one"), two = Bytes("two"), three = Bytes("three");
        File.WriteAllText(folder.File("one"), "1");
        File.WriteAllText(folder.File("two"), "2");
        Assert.Equal(Errno.EEXIST, Libc.rename_noreplace(one, two));
        Assert.Equal(Errno.None, Libc.rename_noreplace(one, three));
        Assert.Equal(Errno.EEXIST, Libc.link(two, three));
        Assert.Equal(Errno.None, Libc.link(two, one));
        Assert.Equal(("2", "2", "1"), (Read("one"), Read("two"), Read("three")));
    }

    [Fact]
    public void A_link_is_read_by_its_descriptor_and_not_followed()
    {
        File.CreateSymbolicLink(folder.File("link"), "target");
        using FileDescriptor link = Assert.IsType<FileDescriptor>(
            Libc.openat(directory, "link"u8, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW, out _));
        Assert.Equal("target", Encoding.UTF8.GetString(Libc.readlink(link, out _)!));
        Assert.Equal(FileKind.SymbolicLink, Kind("link"u8)?.Kind);
        Assert.Null(Libc.readlink(directory, out Errno notLink));
        Assert.NotEqual(Errno.None, notLink);
    }

    [Fact]
    public void Neither_links_nor_dots_nor_mounts_lead_out_of_a_directory()
    {
        File.CreateSymbolicLink(folder.File("link"), "/");
        Assert.Equal(Errno.ELOOP, Refusal(directory, "link"u8));
        Assert.Equal(Errno.EXDEV, Refusal(directory, ".."u8));
        using FileDescriptor root = Libc.open("/", Location);
        Assert.Equal(Errno.EXDEV, Refusal(root, "proc"u8));
        Assert.Equal(Errno.None, Refusal(root, "usr"u8));
    }

    [Fact]
    public void A_program_starts_in_an_open_directory()
    {
        using Child child = Child.StartIn(directory, "/bin/pwd", ["-P"]);
        Assert.Equal($"{folder.Path}\n", child.ReadAll());
    }

    private static Errno Refusal(FileDescriptor directory, ReadOnlySpan<byte> name)
    {
        using FileDescriptor? opened = Libc.openat_same_mount(directory, name, Location, out Errno refused);
        return refused;
    }

    private FileStatus? Kind(ReadOnlySpan<byte> name) => Libc.lstat(directory, name, out _);

    private byte[] Bytes(string name) => Encoding.UTF8.GetBytes(folder.File(name));

    private string Read(string name) => File.ReadAllText(folder.File(name));
}
