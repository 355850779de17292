using System.Text;

namespace PipeForkAs.LibC.Tests;

/// <summary>Tests receiving from a hostile end of a socket, on the current kernel.</summary>
public sealed class UntrustedSocketTests : IDisposable
{
    private readonly (FileDescriptor Own, FileDescriptor Theirs) stream = Libc.socketpair_stream();
    private readonly (FileDescriptor Own, FileDescriptor Theirs) messages = Libc.socketpair_seqpacket();
    private readonly FileDescriptor sent = Libc.open("/dev/null", OpenFlags.O_RDONLY);
    private readonly byte[] buffer = new byte[100];

    public UntrustedSocketTests()
    {
        Libc.set_nonblocking(stream.Own);
        Libc.set_nonblocking(messages.Own);
    }

    [Fact]
    public void If_the_kernel_refuses_descriptors_the_sender_gets_EPERM_and_bytes_pass()
    {
        Assert.SkipUnless(Libc.refuse_descriptors(stream.Own), "SO_PASSRIGHTS needs Linux 6.16");
        Assert.True(Libc.refuse_descriptors(messages.Own));
        Assert.True(Libc.refuses_descriptors(stream.Own));
        Assert.False(Libc.refuses_descriptors(stream.Theirs));
        Assert.Equal(Errno.EPERM, Libc.sendmsg(stream.Theirs, "x"u8, [sent]).Errno);
        Assert.Equal(Errno.EPERM, Libc.sendmsg(messages.Theirs, "x"u8, [sent]).Errno);
        Libc.send(stream.Theirs, "bytes"u8).OrThrow("send");
        Assert.Equal("bytes", Text(Libc.recv(stream.Own, buffer)));

        // The other direction still works.
        Libc.sendmsg(stream.Own, "y"u8, [sent]).OrThrow("sendmsg");
    }

    [Fact]
    public void Bytes_are_received_up_to_the_first_byte_with_descriptors()
    {
        Libc.show_out_of_band(stream.Own);
        Libc.send(stream.Theirs, "before"u8).OrThrow("send");
        Assert.Equal("before", Text(Libc.recv_without_descriptors(stream.Own, buffer)));
        Assert.True(Libc.recv_without_descriptors(stream.Own, buffer).WouldBlock);

        Libc.sendmsg(stream.Theirs, "with"u8, [sent]).OrThrow("sendmsg");
        Libc.send(stream.Theirs, "behind"u8).OrThrow("send");
        Assert.Equal(Errno.EPROTO, Libc.recv_without_descriptors(stream.Own, buffer).Errno);
        Assert.Equal(Errno.EPROTO, Libc.recv_without_descriptors(stream.Own, buffer.AsSpan(0, 1)).Errno);
        Assert.Equal("with", Text(Libc.recv(stream.Own, buffer)));
    }

    [Fact]
    public void A_message_without_bytes_but_with_descriptors_is_detected()
    {
        Libc.sendmsg(messages.Theirs, [], [sent], mayBeEmpty: true).OrThrow("sendmsg");
        Assert.Equal(Errno.EPROTO, Libc.recv_without_descriptors(messages.Own, buffer).Errno);
    }

    [Fact]
    public void A_byte_out_of_band_does_not_hide_its_descriptors()
    {
        Libc.show_out_of_band(stream.Own);
        RawMessage.SendOutOfBand(stream.Theirs, (byte)'o', sent);
        Assert.Equal(Errno.EPROTO, Libc.recv_without_descriptors(stream.Own, buffer).Errno);
    }

    [Fact]
    public void Splicing_moves_bytes_and_leaves_those_with_descriptors()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        {
            Libc.send(stream.Theirs, "bytes"u8).OrThrow("send");
            Assert.Equal(5, Libc.splice_without_descriptors(stream.Own, write, buffer).Count);
            Libc.sendmsg(stream.Theirs, "with"u8, [sent]).OrThrow("sendmsg");
            Assert.Equal(Errno.EPROTO, Libc.splice_without_descriptors(stream.Own, write, buffer).Errno);
            Assert.Equal("bytes", Text(Libc.read(read, buffer)));
        }
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, true)]
    public void Unread_bytes_after_a_shutdown_are_detected(bool sends, bool empty, bool holds)
    {
        if (sends)
            Libc.sendmsg(messages.Theirs, empty ? [] : "m"u8, [], mayBeEmpty: true).OrThrow("sendmsg");
        if (sends && !empty)
            Libc.send(stream.Theirs, "s"u8).OrThrow("send");
        Libc.shutdown(messages.Own, SocketShutdown.SHUT_RDWR);
        Libc.shutdown(stream.Own, SocketShutdown.SHUT_RDWR);
        Assert.Equal(holds, Libc.holds_unread(messages.Own));
        Assert.Equal(holds && !empty, Libc.holds_unread(stream.Own));
        Assert.True(Libc.send(stream.Theirs, "late"u8).PeerGone);
        Assert.Equal(holds && !empty, Libc.holds_unread(stream.Own));
    }

    [Fact]
    public void A_reset_connection_still_shows_unread_bytes()
    {
        Libc.send(messages.Own, "unread by the peer"u8).OrThrow("send");
        Libc.send(messages.Theirs, "unread here"u8).OrThrow("send");
        messages.Theirs.Dispose();
        Libc.shutdown(messages.Own, SocketShutdown.SHUT_RDWR);
        Assert.True(Libc.holds_unread(messages.Own));
    }

    public void Dispose()
    {
        sent.Dispose();
        foreach (FileDescriptor descriptor in new[] { stream.Own, stream.Theirs, messages.Own, messages.Theirs })
            descriptor.Dispose();
    }

    private string Text(IOResult result) => Encoding.UTF8.GetString(buffer, 0, result.OrThrow("receiving"));
}
