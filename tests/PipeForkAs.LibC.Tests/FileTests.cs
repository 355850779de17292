namespace PipeForkAs.LibC.Tests;

public sealed class FileTests
{
    private const uint Mode0644 = 0x1A4, Mode0640 = 0x1A0, Mode0666 = 0x1B6, Mode07755 = 0xFED, Mask0027 = 0x17;

    [Fact]
    public void The_status_of_a_file_has_its_kind_mode_owner_and_size()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("file");
        using (FileDescriptor file = Libc.open(path, OpenFlags.O_WRONLY | OpenFlags.O_EXCL, Mode0644))
        {
            Assert.True(OpenDescriptors.IsCloseOnExec(file.Number));
            Libc.write(file, "eggman"u8);
            Libc.fsync(file);
        }

        Libc.chmod(path, Mode0640);

        FileStatus status = Libc.lstat(path)!.Value;
        Assert.Equal((FileKind.Regular, Mode0640, 6L, 1u), (status.Kind, status.Permissions, status.Size, status.Links));
        Assert.Equal((Libc.geteuid(), Libc.getegid()), (status.Owner, status.Group));
        Assert.Equal(File.GetLastWriteTimeUtc(path), status.Modified);
        Assert.Equal(Child.Run("stat", "-c", "%i %b %Hd %Ld", path).Trim(),
            $"{status.Inode} {status.Blocks} {status.Device >> 32} {status.Device & uint.MaxValue}");
    }

    [Theory]
    [InlineData(-62_135_596_801, false)]
    [InlineData(-62_135_596_800, true)]
    [InlineData(253_402_300_799, true)]
    [InlineData(253_402_300_800, false)]
    [InlineData(long.MaxValue, false)]
    [InlineData(long.MinValue, false)]
    public void A_time_out_of_the_range_of_DateTime_is_null(long seconds, bool known) => Assert.Equal(
        known, new FileStatus(FileKind.Regular, 0, default, default, 0, 0, 1, 1, 1, seconds, 999_999_999).Modified is not null);

    [Fact]
    public void Names_in_a_directory_are_bytes_and_can_be_many()
    {
        using var directory = new TemporaryDirectory();
        for (int i = 0; i < 3000; i++)
            File.WriteAllText(directory.File($"{i:d4}-{new string('x', 100)}"), "");
        byte[] path = System.Text.Encoding.UTF8.GetBytes(directory.Path);

        List<byte[]> names = Libc.names_in(path, out _)!;
        Assert.Equal(3000, names.Select(Convert.ToHexString).Distinct().Count());
        Assert.All(names, name => Assert.Equal(105, name.Length));
        Assert.Equal(FileKind.Directory, Libc.lstat(path, out Errno none)!.Value.Kind);
        Assert.Equal(Errno.None, none);
        Assert.Null(Libc.lstat([.. path, (byte)'/', 0xFF], out Errno missing));
        Assert.Null(Libc.names_in([.. path, (byte)'/', .. names[0]], out Errno noDirectory));
        Assert.Equal((Errno.ENOENT, Errno.ENOTDIR), (missing, noDirectory));
        Assert.Throws<ArgumentException>(() => Libc.lstat([0], out _));
    }

    [Fact]
    public void A_file_gets_a_group_and_a_new_name()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("file");
        using (FileDescriptor file = Libc.open(path, OpenFlags.O_WRONLY | OpenFlags.O_EXCL, Mode0644))
        {
            Assert.True(Libc.fchown(file, new GroupId(54321)));
            Libc.fchmod(file, Mode0640);
        }

        File.WriteAllText(directory.File("other"), "replaced");
        Libc.rename(path, directory.File("other"));

        FileStatus status = Libc.lstat(directory.File("other"))!.Value;
        Assert.Equal((new GroupId(54321), Mode0640, 0L), (status.Group, status.Permissions, status.Size));
        Assert.Null(Libc.lstat(path));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SystemCallException>(() => Libc.rename(path, path)).Errno);
    }

    [Fact]
    public void A_file_is_read_at_an_offset_and_the_file_offset_does_not_change()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("file");
        File.WriteAllText(path, "eggman");
        using FileDescriptor file = Libc.open(path, OpenFlags.O_RDONLY);
        var buffer = new byte[4];
        Assert.Equal(3, Libc.pread(file, buffer, 3).OrThrow("pread"));
        Assert.Equal("man"u8, buffer.AsSpan(0, 3));
        Assert.Equal(4, Libc.read(file, buffer).OrThrow("read"));
        Assert.Equal("eggm"u8, buffer);
        Assert.Equal(0, Libc.pread(file, buffer, 6).OrThrow("pread"));
        Assert.Equal(Errno.EINVAL, Libc.pread(file, buffer, -1).Errno);
    }

    [Fact]
    public void Set_user_id_set_group_id_and_sticky_are_part_of_the_permissions()
    {
        using var directory = new TemporaryDirectory();
        Libc.chmod(directory.Path, Mode07755);
        FileStatus status = Libc.stat(directory.Path)!.Value;
        Assert.Equal((FileKind.Directory, Mode07755), (status.Kind, status.Permissions));
    }

    [Fact]
    public void Lstat_describes_a_symbolic_link_and_stat_its_target()
    {
        using var directory = new TemporaryDirectory();
        string link = directory.File("link");
        File.CreateSymbolicLink(link, directory.Path);
        Assert.Equal(FileKind.SymbolicLink, Libc.lstat(link)!.Value.Kind);
        Assert.Equal(FileKind.Directory, Libc.stat(link)!.Value.Kind);

        string dangling = directory.File("dangling");
        File.CreateSymbolicLink(dangling, directory.File("missing"));
        Assert.Equal(FileKind.SymbolicLink, Libc.lstat(dangling)!.Value.Kind);
        Assert.Null(Libc.stat(dangling));
    }

    [Fact]
    public void Openat_opens_in_a_directory_and_follows_no_link_if_requested()
    {
        using var folder = new TemporaryDirectory();
        string file = System.IO.Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "12345");
        File.CreateSymbolicLink(System.IO.Path.Combine(folder.Path, "link"), file);
        using FileDescriptor directory = Libc.open(folder.Path, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        Assert.Equal(FileKind.Directory, Libc.fstat(directory).Kind);
        using (FileDescriptor opened = Libc.openat(directory, "file", OpenFlags.O_RDONLY))
            Assert.Equal(Libc.stat(file), Libc.fstat(opened));
        Assert.Equal(
            Errno.ELOOP,
            Assert.Throws<SystemCallException>(() => Libc.openat(directory, "link", OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW)).Errno);
        Assert.Throws<ArgumentException>(() => Libc.openat(directory, "new", OpenFlags.O_CREAT));
    }

    [Fact]
    public void Fifos_sockets_and_devices_have_their_kinds()
    {
        using var directory = new TemporaryDirectory();
        Child.Run("mkfifo", directory.File("fifo"));
        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        Libc.bind(socket, directory.File("socket"));

        Assert.Equal(FileKind.Fifo, Libc.lstat(directory.File("fifo"))!.Value.Kind);
        Assert.Equal(FileKind.Socket, Libc.lstat(directory.File("socket"))!.Value.Kind);
        Assert.Equal(FileKind.CharacterDevice, Libc.lstat("/dev/null")!.Value.Kind);
    }

    [Fact]
    public void A_missing_file_has_no_status_and_other_errors_throw()
    {
        Assert.Null(Libc.lstat("/nonexistent"));
        Assert.Null(Libc.lstat("/dev/null/beneath"));
        Assert.Equal(new Errno(36), Assert.Throws<SystemCallException>(() => Libc.lstat("/" + new string('x', 300))).Errno);
    }

    [Fact]
    public void The_umask_removes_permissions_from_new_files()
    {
        using var directory = new TemporaryDirectory();
        uint former = Libc.umask(Mask0027);
        try
        {
            Libc.open(directory.File("file"), OpenFlags.O_WRONLY, Mode0666).Dispose();
            Assert.Equal(Mode0640, Libc.lstat(directory.File("file"))!.Value.Permissions);
        }
        finally
        {
            Assert.Equal(Mask0027, Libc.umask(former));
        }
    }

    [Fact]
    public void Unlink_removes_a_name()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.File("file"), "");
        Libc.unlink(directory.File("file"));
        Assert.Null(Libc.lstat(directory.File("file")));
    }

    [Fact]
    public void A_failed_call_reports_its_name_arguments_and_errno()
    {
        SystemCallException failure = Assert.Throws<SystemCallException>(
            () => Libc.open("/nonexistent/file", OpenFlags.O_RDWR | OpenFlags.O_TRUNC, Mode0640));
        Assert.Equal(Errno.ENOENT, failure.Errno);
        Assert.Equal("open(\"/nonexistent/file\", O_RDWR, O_TRUNC, 0640): ENOENT (No such file or directory)", failure.Message);
    }

    [Fact]
    public void Creating_a_file_without_a_mode_is_refused() =>
        Assert.Throws<ArgumentException>(() => Libc.open("/nonexistent", OpenFlags.O_RDWR | OpenFlags.O_CREAT));

    [Fact]
    public void A_path_with_a_NUL_is_refused_before_C_truncates_it()
    {
        const string path = "/dev/null\0/etc/shadow";
        Assert.Throws<ArgumentException>(() => Libc.open(path, OpenFlags.O_RDONLY));
        Assert.Throws<ArgumentException>(() => Libc.open(path, OpenFlags.O_RDONLY, 0));
        Assert.Throws<ArgumentException>(() => Libc.lstat(path));
        Assert.Throws<ArgumentException>(() => Libc.stat(path));
        Assert.Throws<ArgumentException>(() => Libc.chdir(path));
        Assert.Throws<ArgumentException>(() => Libc.unlink(path));
        Assert.Throws<ArgumentException>(() => Libc.chmod(path, 0));
        Assert.Throws<ArgumentException>(() => Libc.set_environment([$"A={path}"]));
        Assert.Throws<ArgumentException>(() => Libc.execve(path, ["x"], []));
    }
}
