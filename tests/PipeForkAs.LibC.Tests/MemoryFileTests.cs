using System.Text;

namespace PipeForkAs.LibC.Tests;

/// <summary>Tests files in memory, and the datagrams without bytes that carry them to the journal.</summary>
public sealed class MemoryFileTests
{
    private const FileSeals All = FileSeals.F_SEAL_SHRINK | FileSeals.F_SEAL_GROW | FileSeals.F_SEAL_WRITE | FileSeals.F_SEAL_SEAL;

    [Fact]
    public void A_sealed_file_cannot_be_written_or_sealed_again()
    {
        using FileDescriptor file = Libc.memfd_create("test");
        Libc.write(file, "abc"u8).OrThrow("write");
        Assert.Equal((FileSeals)0, Libc.get_seals(file));

        Libc.add_seals(file, All);

        Assert.Equal(All, Libc.get_seals(file));
        Assert.Equal(Errno.EPERM, Libc.write(file, "d"u8).Errno);
        Assert.Equal(Errno.EPERM, Assert.Throws<SystemCallException>(() => Libc.add_seals(file, FileSeals.F_SEAL_GROW)).Errno);
        Assert.Equal((FileKind.Regular, 3), (Libc.fstat(file).Kind, Libc.fstat(file).Size));
        Assert.True(OpenDescriptors.IsCloseOnExec(file.Number));
    }

    [Fact]
    public void Random_bytes_differ_from_call_to_call()
    {
        Assert.Equal(32, Libc.getrandom(32).Length);
        Assert.NotEqual(Libc.getrandom(32), Libc.getrandom(32));
        Assert.Throws<ArgumentOutOfRangeException>(() => Libc.getrandom(257));
    }

    [Fact]
    public void A_datagram_may_contain_only_a_descriptor()
    {
        string address = $"@pipeforkas-libc-{Guid.NewGuid():N}";
        using FileDescriptor receiver = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: true),
            sender = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: false);
        Libc.bind(receiver, address);
        Libc.connect(sender, address).OrThrow("connect");
        using FileDescriptor file = Libc.memfd_create("test");
        Libc.write(file, Encoding.UTF8.GetBytes("content")).OrThrow("write");

        Assert.Equal(0, Libc.sendmsg(sender, [], [file], mayBeEmpty: true).OrThrow("sendmsg"));

        var descriptors = new FileDescriptor?[1];
        Assert.Equal(0, Libc.recvmsg(receiver, new byte[8], descriptors, out int count, mayBeEmpty: true).OrThrow("recvmsg"));
        Assert.Equal(1, count);
        using FileDescriptor received = descriptors[0]!;
        Assert.Equal((Libc.fstat(file).Inode, Libc.fstat(file).Device), (Libc.fstat(received).Inode, Libc.fstat(received).Device));
    }

    [Fact]
    public void The_connected_process_is_distinguished_from_another_with_its_pid()
    {
        string address = $"@pipeforkas-libc-{Guid.NewGuid():N}";
        using FileDescriptor listener = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false),
            client = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        Libc.bind(listener, address);
        Libc.listen(listener, 1);
        Libc.connect(client, address).OrThrow("connect");
        using FileDescriptor accepted = Libc.accept4(listener, out _)!;

        using FileDescriptor? process = Libc.getsockopt_peerpidfd(accepted);

        Assert.SkipWhen(process is null, "the kernel has no SO_PEERPIDFD, which came with Linux 6.5");
        Assert.True(Libc.pidfd_is_there(process!));
        using FileDescriptor unconnected = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        Assert.Null(Libc.getsockopt_peerpidfd(unconnected));
    }

    [Fact]
    public void A_pidfd_shows_when_the_pid_is_free()
    {
        ProcessId child = Libc.posix_spawn("/bin/sleep", ["sleep", "100"], [], []);
        using FileDescriptor process = Libc.pidfd_open(child);
        Assert.True(Libc.pidfd_is_there(process));

        Libc.kill(child, Signal.SIGKILL);
        Libc.wait_for(child);

        Assert.False(Libc.pidfd_is_there(process));
    }

    [Fact]
    public void A_descriptor_of_another_process_is_duplicated_if_it_exists()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        using (FileDescriptor process = Libc.pidfd_open(new ProcessId(Environment.ProcessId)))
        using (FileDescriptor duplicate = Assert.IsType<FileDescriptor>(Libc.pidfd_getfd(process, read.Number)))
        {
            Assert.NotEqual(read.Number, duplicate.Number);
            Libc.write(write, "x"u8).OrThrow("write");
            var buffer = new byte[2];
            Assert.Equal(1, Libc.read(duplicate, buffer).OrThrow("read"));
            Assert.Null(Libc.pidfd_getfd(process, int.MaxValue));
        }
    }

    [Fact]
    public void A_directory_with_more_names_than_the_limit_is_recognized()
    {
        Assert.True(Libc.names_in("/proc/self/fd"u8, out _, most: 0)!.Count > 0);
        using var folder = new TemporaryDirectory();
        for (int i = 0; i < 3000; i++)
            File.WriteAllText(folder.File($"file-of-a-longer-name-{i}"), "");
        byte[] path = System.Text.Encoding.UTF8.GetBytes(folder.Path);
        Assert.Equal(3000, Libc.names_in(path, out _, most: 3000)!.Count);
        Assert.InRange(Libc.names_in(path, out _, most: 10)!.Count, 11, 2999);
    }

    [Fact]
    public void A_pipe_is_writable_until_it_is_full()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        {
            Libc.set_nonblocking(write);
            Assert.True(Libc.is_writable(write));
            while (!Libc.write(write, new byte[4096]).WouldBlock)
            {
            }

            Assert.False(Libc.is_writable(write));
            read.Dispose();
            Assert.True(Libc.is_writable(write));
        }
    }

    [Fact]
    public async Task A_device_has_the_number_that_stat_prints()
    {
        foreach (string path in new[] { "/", "/dev", "/proc" })
        {
            using var stat = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo("/usr/bin/stat", ["-c", "%d:%i", path]) { RedirectStandardOutput = true })!;
            FileStatus status = Libc.stat(path)!.Value;
            Assert.Equal($"{status.DeviceNumber}:{status.Inode}\n", await stat.StandardOutput.ReadToEndAsync());
        }
    }
}
