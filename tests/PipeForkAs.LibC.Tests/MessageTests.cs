namespace PipeForkAs.LibC.Tests;

public sealed class MessageTests
{
    [Fact]
    public void A_message_arrives_with_its_descriptors_which_are_closed_by_exec()
    {
        using var pair = new Pair();
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
            Assert.Equal(3, Libc.sendmsg(pair.One, [7, 8, 9], [read, write]).OrThrow("sendmsg"));

        var buffer = new byte[16];
        var descriptors = new FileDescriptor?[4];
        Assert.Equal(3, Libc.recvmsg(pair.Other, buffer, descriptors, out int count).OrThrow("recvmsg"));

        Assert.Equal([7, 8, 9], buffer[..3]);
        Assert.Equal(2, count);
        using FileDescriptor receivedRead = descriptors[0]!, receivedWrite = descriptors[1]!;
        Assert.Equal([null, null], descriptors[2..]);
        Assert.True(OpenDescriptors.IsCloseOnExec(receivedRead.Number) && OpenDescriptors.IsCloseOnExec(receivedWrite.Number));
        Libc.write(receivedWrite, [42]);
        Assert.Equal(1, Libc.read(receivedRead, buffer).OrThrow("read"));
        Assert.Equal(42, buffer[0]);
    }

    [Fact]
    public void The_maximum_number_of_descriptors_arrives()
    {
        using var pair = new Pair();
        using var pipe = new WatchedPipe();
        Libc.sendmsg(pair.One, [1], [.. Enumerable.Repeat(pipe.Write, Libc.MaxMessageDescriptors)]).OrThrow("sendmsg");

        var descriptors = new FileDescriptor?[Libc.MaxMessageDescriptors];
        Assert.Equal(1, Libc.recvmsg(pair.Other, new byte[1], descriptors, out int count).Count);

        Assert.Equal(Libc.MaxMessageDescriptors, count);
        foreach (FileDescriptor? descriptor in descriptors)
            descriptor!.Dispose();
        pipe.HasOnlyItsOwnWriter();
    }

    [Theory]
    [InlineData(3, 2)] // Space in the buffer of the library, none in the buffer of the caller.
    [InlineData(1, 0)]
    [InlineData(20, 8)] // More than fits into the buffer of the library: the kernel truncates.
    [InlineData(20, 0)]
    public void A_message_with_more_descriptors_than_expected_is_refused_and_all_are_closed(int sent, int room) =>
        OpenDescriptors.AreNotLeakedBy(() => IsRefused(bytes: 1, sent, new byte[8], room));

    [Fact]
    public void A_message_that_is_longer_than_the_buffer_is_refused_and_its_descriptors_are_closed() =>
        OpenDescriptors.AreNotLeakedBy(() => IsRefused(bytes: 100, descriptors: 2, new byte[99], room: 8));

    [Fact]
    public void Descriptors_without_a_byte_are_refused_and_closed() =>
        OpenDescriptors.AreNotLeakedBy(() => IsRefused(bytes: 0, descriptors: 2, new byte[8], room: 8));

    [Fact]
    public void The_message_after_a_refused_one_arrives()
    {
        using var pair = new Pair();
        Libc.send(pair.One, new byte[100]);
        Libc.send(pair.One, [5]);
        var buffer = new byte[10];
        Assert.Equal(Errno.EMSGSIZE, Libc.recvmsg(pair.Other, buffer, [], out _).Errno);
        Assert.Equal(1, Libc.recvmsg(pair.Other, buffer, [], out _).Count);
        Assert.Equal(5, buffer[0]);
    }

    [Fact]
    public void Descriptors_sent_along_to_a_plain_recv_are_closed() => OpenDescriptors.AreNotLeakedBy(() =>
    {
        using var pair = new Pair();
        using var pipe = new WatchedPipe();
        Libc.sendmsg(pair.One, [1], [pipe.Write]).OrThrow("sendmsg");
        Assert.Equal(1, Libc.recv(pair.Other, new byte[1]).Count);
        pipe.HasOnlyItsOwnWriter();
    });

    [Fact]
    public void Without_a_message_the_call_would_block_and_a_closed_peer_gives_zero_bytes()
    {
        using var pair = new Pair();
        Libc.set_nonblocking(pair.Other);
        Assert.True(Libc.recvmsg(pair.Other, new byte[1], new FileDescriptor?[1], out int count).WouldBlock);
        Assert.True(Libc.recv(pair.Other, new byte[1]).WouldBlock);
        Assert.True(Libc.next_message_size(pair.Other).WouldBlock);

        pair.One.Dispose();
        IOResult end = Libc.recvmsg(pair.Other, new byte[1], new FileDescriptor?[1], out count);
        Assert.Equal((false, 0L, 0), (end.Failed, end.Count, count));
        Assert.Equal(0, Libc.next_message_size(pair.Other).OrThrow("recv"));
        Assert.True(Libc.send(pair.Other, [1]).PeerGone);
        Assert.True(Libc.sendmsg(pair.Other, [1], []).PeerGone);
    }

    [Fact]
    public void The_size_of_the_next_message_is_read_without_consuming_it()
    {
        using var pair = new Pair();
        Libc.send(pair.One, new byte[70_000]);
        Assert.Equal(70_000, Libc.next_message_size(pair.Other).Count);
        Assert.Equal(70_000, Libc.recv(pair.Other, new byte[100_000]).Count);
    }

    [Fact]
    public void More_descriptors_than_the_limit_or_no_bytes_are_not_sent()
    {
        using var pair = new Pair();
        Assert.Throws<ArgumentOutOfRangeException>(
            () => Libc.sendmsg(pair.One, [1], [.. Enumerable.Repeat(pair.One, Libc.MaxMessageDescriptors + 1)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Libc.sendmsg(pair.One, [], [pair.One]));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => Libc.recvmsg(pair.One, new byte[1], new FileDescriptor?[Libc.MaxMessageDescriptors + 1], out _));
    }

    private static void IsRefused(int bytes, int descriptors, byte[] buffer, int room)
    {
        using var pair = new Pair();
        using var pipe = new WatchedPipe();
        RawMessage.Send(pair.One, bytes, pipe.Write, descriptors);

        var received = new FileDescriptor?[room];
        IOResult result = Libc.recvmsg(pair.Other, buffer, received, out int count);

        Assert.Equal((true, Errno.EMSGSIZE, 0), (result.Failed, result.Errno, count));
        Assert.All(received, Assert.Null);
        pipe.HasOnlyItsOwnWriter();
    }

    private sealed class Pair : IDisposable
    {
        public Pair() => (One, Other) = Libc.socketpair_seqpacket();

        public FileDescriptor One { get; }

        public FileDescriptor Other { get; }

        public void Dispose()
        {
            One.Dispose();
            Other.Dispose();
        }
    }

    /// <summary>A pipe that shows whether copies of its writing end are open.</summary>
    private sealed class WatchedPipe : IDisposable
    {
        private readonly FileDescriptor read;

        public WatchedPipe() => (read, Write) = Libc.pipe2();

        public FileDescriptor Write { get; }

        public void HasOnlyItsOwnWriter()
        {
            Libc.set_nonblocking(read);
            Write.Dispose();
            IOResult end = Libc.read(read, new byte[1]);
            Assert.False(end.Failed, "someone else holds the writing end open");
            Assert.Equal(0, end.Count);
        }

        public void Dispose()
        {
            read.Dispose();
            Write.Dispose();
        }
    }
}
