namespace PipeForkAs.LibC.Tests;

public sealed class DirectoryTests
{
    [Fact]
    public void A_directory_is_created_once_and_removed_when_it_is_empty()
    {
        using var folder = new TemporaryDirectory();
        string path = folder.File("made");

        Assert.True(Libc.mkdir(path, 0x1C0));
        Assert.Equal(0x1C0u, Assert.NotNull(Libc.lstat(path)).Permissions);
        Assert.False(Libc.mkdir(path, 0x1C0));

        File.WriteAllText(Path.Combine(path, "file"), "");
        Assert.False(Libc.rmdir(path));
        File.Delete(Path.Combine(path, "file"));
        Assert.True(Libc.rmdir(path));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SystemCallException>(() => Libc.rmdir(path)).Errno);
    }

    [Fact]
    public void A_lock_has_one_holder_while_its_descriptor_is_open()
    {
        using var folder = new TemporaryDirectory();
        using FileDescriptor second = Libc.open(folder.Path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        using (FileDescriptor first = Libc.open(folder.Path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY))
        {
            Assert.True(Libc.flock_exclusive(first));
            Assert.False(Libc.flock_exclusive(second));
        }

        Assert.True(Libc.flock_exclusive(second));
    }

    [Fact]
    public void A_missing_extended_attribute_is_null()
    {
        using var folder = new TemporaryDirectory();
        Assert.Null(Libc.getxattr(folder.Path, "user.none"));
        Assert.Null(Libc.getxattr("/proc", "user.none"));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SystemCallException>(() => Libc.getxattr(folder.File("none"), "user.none")).Errno);
    }
    [Fact]
    public void A_link_is_read_and_the_target_of_another_file_is_null()
    {
        using var folder = new TemporaryDirectory();
        string longest = "/" + new string('x', 4094);
        foreach (string target in new[] { "/somewhere/ö", longest })
        {
            string link = folder.File($"link{target.Length}");
            File.CreateSymbolicLink(link, target);
            Assert.Equal(target, Libc.readlink(link));
        }

        Assert.Equal(Environment.ProcessPath, Libc.readlink("/proc/self/exe"));
        Assert.Null(Libc.readlink(folder.Path));
        Assert.Null(Libc.readlink(folder.File("none")));
    }
}
