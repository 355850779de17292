using System.Globalization;

namespace PipeForkAs.LibC.Tests;

public sealed class SocketTests
{
    [Fact]
    public void A_nonblocking_send_does_not_wait_on_a_blocking_socket()
    {
        (FileDescriptor one, FileDescriptor other) = Libc.socketpair_stream();
        using (one)
        using (other)
        {
            var piece = new byte[4096];
            IOResult sent;
            while ((sent = Libc.send_nowait(one, piece)).Count == piece.Length)
            {
            }

            Assert.True(sent.WouldBlock);
            (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
            using (read)
            using (write)
                Assert.Equal(Errno.ENOTSOCK, Libc.send_nowait(write, piece).Errno);
        }
    }

    [Fact]
    public void A_connection_carries_bytes_both_ways_and_can_be_half_closed()
    {
        using var directory = new TemporaryDirectory();
        using FileDescriptor listener = Listen(directory.File("socket"));
        using FileDescriptor client = Connect(directory.File("socket"));
        using FileDescriptor server = Libc.accept4(listener, out Errno error)!;
        Assert.Equal(Errno.None, error);
        Assert.True(OpenDescriptors.IsCloseOnExec(server.Number) && OpenDescriptors.IsNonblocking(server.Number));

        var buffer = new byte[10];
        Assert.True(Libc.recv(server, buffer).WouldBlock);
        Assert.Equal(1, Libc.send(client, [1], more: true).Count);
        Assert.Equal(1, Libc.send(client, [2]).Count);
        Libc.shutdown(client, SocketShutdown.SHUT_WR);
        Assert.Equal(2, Libc.recv(server, buffer).Count);
        Assert.Equal((false, 0L), (Libc.recv(server, buffer).Failed, Libc.recv(server, buffer).Count));
        Assert.Equal(1, Libc.send(server, [3]).Count);
        Assert.Equal(1, Libc.recv(client, buffer).Count);
    }

    [Fact]
    public void Accept_without_a_connection_would_block()
    {
        using var directory = new TemporaryDirectory();
        using FileDescriptor listener = Listen(directory.File("socket"));
        Assert.Null(Libc.accept4(listener, out Errno error));
        Assert.Equal(Errno.EAGAIN, error);
    }

    [Fact]
    public void The_kernel_attests_the_connected_process()
    {
        using var directory = new TemporaryDirectory();
        using FileDescriptor listener = Listen(directory.File("socket"));
        using FileDescriptor client = Connect(directory.File("socket"));
        using FileDescriptor server = Libc.accept4(listener, out _)!;

        Assert.Equal(new PeerCredentials(Libc.getpid(), Libc.geteuid(), Libc.getegid()), Libc.getsockopt_peercred(server));
        Assert.Equal(Libc.getgroups().Order(ByValue), Libc.getsockopt_peergroups(server).Order(ByValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(500)]
    public void The_kernel_attests_all_groups_of_another_user_that_connected(int count)
    {
        Assert.SkipUnless(Libc.geteuid() == UserId.Root, "only root can become another user to connect as");
        using var directory = new TemporaryDirectory();
        Libc.chmod(directory.Path, 0x1FF);
        using FileDescriptor listener = Listen(directory.File("socket"));
        Libc.chmod(directory.File("socket"), 0x1FF);
        uint[] groups = [.. Enumerable.Range(70_000, count).Select(gid => (uint)gid)];
        string option = count == 0 ? "--clear-groups" : $"--groups={string.Join(',', groups)}";
        using Child client = Child.Start(
            "/usr/bin/env",
            ["setpriv", "--reuid=60001", "--regid=60002", option, "socat", "-u", $"UNIX-CONNECT:{directory.File("socket")}", "-"]);

        Assert.True(Libc.poll_readable(listener, 30_000), "nobody connects");
        using FileDescriptor server = Libc.accept4(listener, out _)!;

        PeerCredentials peer = Libc.getsockopt_peercred(server);
        Assert.Equal((client.Pid, new UserId(60001), new GroupId(60002)), (peer.Pid, peer.Uid, peer.Gid));
        Assert.Equal(groups, Libc.getsockopt_peergroups(server).Select(group => group.Value).Order());
    }

    [Fact]
    public void Root_can_make_the_send_buffer_larger_than_the_limit_of_the_system()
    {
        Assert.SkipUnless(Libc.geteuid() == UserId.Root, "SO_SNDBUFFORCE needs CAP_NET_ADMIN");
        (FileDescriptor one, FileDescriptor other) = Libc.socketpair_seqpacket();
        using (one)
        using (other)
        {
            Libc.set_nonblocking(one);
            var message = new byte[600_000];
            Assert.Equal(Errno.EMSGSIZE, Libc.send(one, message).Errno);

            IOResult result = Libc.setsockopt_sndbufforce(one, 2 * message.Length);
            Assert.SkipWhen(result.Errno == Errno.EPERM, "this root has no CAP_NET_ADMIN");
            Assert.False(result.Failed);
            Assert.Equal(message.Length, Libc.send(one, message).OrThrow("send"));
            Assert.Equal(message.Length, Libc.recv(other, message).OrThrow("recv"));
        }
    }

    [Fact]
    public void Any_user_can_make_the_send_buffer_as_large_as_the_limit_of_the_system()
    {
        (FileDescriptor one, FileDescriptor other) = Libc.socketpair_seqpacket();
        using (one)
        using (other)
        {
            Libc.set_nonblocking(one);
            Libc.setsockopt_sndbuf(one, 4096);
            var message = new byte[64 * 1024];
            Assert.Equal(Errno.EMSGSIZE, Libc.send(one, message).Errno);
            Libc.setsockopt_sndbuf(one, 1 << 30);
            Assert.Equal(message.Length, Libc.send(one, message).OrThrow("send"));
        }
    }

    [Fact]
    public void The_type_of_a_socket_can_be_read_and_its_flags_set()
    {
        string name = $"@pipeforkas-libc-{Guid.NewGuid():N}";
        using FileDescriptor listener = Listen(name);
        Assert.Equal((SocketDomain.AF_UNIX, SocketType.SOCK_STREAM), (Libc.getsockopt_domain(listener), Libc.getsockopt_type(listener)));
        Assert.True(Libc.getsockopt_acceptconn(listener));
        Assert.Equal(name, Libc.getsockname_unix(listener));

        (FileDescriptor one, FileDescriptor other) = Libc.socketpair_seqpacket();
        using (one)
        using (other)
        {
            Assert.Equal(SocketType.SOCK_SEQPACKET, Libc.getsockopt_type(one));
            Assert.False(Libc.getsockopt_acceptconn(one));
            Assert.Null(Libc.getsockname_unix(one));
            Libc.set_cloexec(one);
        }

        string path = Path.Combine(Path.GetTempPath(), $"pipeforkas-libc-{Guid.NewGuid():N}");
        try
        {
            using FileDescriptor named = Listen(path);
            Assert.Equal(path, Libc.getsockname_unix(named));
        }
        finally
        {
            File.Delete(path);
        }

        using FileDescriptor none = Libc.open("/dev/null", OpenFlags.O_RDONLY);
        Assert.Equal(new Errno(88), Assert.Throws<SystemCallException>(() => Libc.getsockopt_type(none)).Errno); // ENOTSOCK
    }

    [Fact]
    public void A_name_that_begins_with_an_at_sign_is_abstract()
    {
        string name = $"@pipeforkas-libc-{Guid.NewGuid():N}";
        using FileDescriptor listener = Listen(name);
        using FileDescriptor client = Connect(name);
        using FileDescriptor? server = Libc.accept4(listener, out _);

        Assert.NotNull(server);
        Assert.False(File.Exists(name));
        Assert.Contains(File.ReadLines("/proc/net/unix"), line => line.EndsWith(' ' + name, StringComparison.Ordinal));
    }

    [Fact]
    public void Connecting_without_a_listener_gives_the_errno()
    {
        using var directory = new TemporaryDirectory();
        using FileDescriptor client = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: true);
        Assert.Equal(Errno.ENOENT, Libc.connect(client, directory.File("missing")).Errno);

        using (FileDescriptor dead = Listen(directory.File("dead")))
            Assert.Equal(Errno.EADDRINUSE, Assert.Throws<SystemCallException>(() => Listen(directory.File("dead"))).Errno);
        Assert.Equal(Errno.ECONNREFUSED, Libc.connect(client, directory.File("dead")).Errno);
    }

    [Fact]
    public void A_path_may_have_107_bytes_and_no_more()
    {
        using var directory = new TemporaryDirectory();
        string longest = directory.File(new string('x', Libc.MaxSocketPath - directory.Path.Length - 1));
        using (FileDescriptor listener = Listen(longest))
        using (FileDescriptor client = Connect(longest))
            Assert.True(File.Exists(longest));

        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: true);
        Assert.Throws<ArgumentException>(() => Libc.connect(socket, longest + "x"));
        Assert.Throws<ArgumentException>(() => Libc.bind(socket, longest + "x"));
        Assert.Throws<ArgumentException>(() => Libc.connect(socket, longest[..^1] + "é"));
        Assert.Throws<ArgumentException>(() => Libc.connect(socket, ""));
        Assert.Throws<ArgumentException>(() => Libc.connect(socket, "a\0b"));
    }

    [Fact]
    public void Shutting_down_succeeds_without_a_peer_and_fails_on_another_file()
    {
        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: true);
        Libc.shutdown(socket, SocketShutdown.SHUT_RDWR);

        using FileDescriptor file = Libc.open("/dev/null", OpenFlags.O_RDONLY);
        Assert.Contains("shutdown(", Assert.Throws<SystemCallException>(() => Libc.shutdown(file, SocketShutdown.SHUT_RDWR)).Call);
    }

    private static readonly Comparer<GroupId> ByValue = Comparer<GroupId>.Create((left, right) => left.Value.CompareTo(right.Value));

    private static FileDescriptor Listen(string path)
    {
        FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        try
        {
            Libc.bind(socket, path);
            Libc.listen(socket, 10);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static FileDescriptor Connect(string path)
    {
        FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: true);
        Libc.connect(socket, path).OrThrow(string.Create(CultureInfo.InvariantCulture, $"connect({path})"));
        return socket;
    }
}
