namespace PipeForkAs.LibC.Tests;

public sealed class PipeTests
{
    [Fact]
    public void Bytes_in_a_pipe_are_read_and_then_its_end()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        {
            using (write)
            {
                Assert.Equal(3, Libc.write(write, [1, 2, 3]).OrThrow("write"));
                Assert.Equal(3, Libc.bytes_available(read));
            }

            var buffer = new byte[10];
            Assert.Equal(3, Libc.read(read, buffer).OrThrow("read"));
            Assert.Equal([1, 2, 3], buffer[..3]);

            IOResult end = Libc.read(read, buffer);
            Assert.Equal((false, 0L, Errno.None), (end.Failed, end.Count, end.Errno));
        }
    }

    [Fact]
    public void Both_ends_of_a_pipe_are_closed_by_exec_and_block()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        {
            Assert.All([read, write], end => Assert.True(OpenDescriptors.IsCloseOnExec(end.Number)));
            Assert.All([read, write], end => Assert.False(OpenDescriptors.IsNonblocking(end.Number)));
        }
    }

    [Fact]
    public void An_empty_pipe_and_a_full_pipe_report_that_the_call_would_block()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        {
            Libc.set_nonblocking(read);
            Libc.set_nonblocking(write);
            WouldBlock(Libc.read(read, new byte[1]));

            var block = new byte[4096];
            IOResult result;
            do
                result = Libc.write(write, block);
            while (!result.Failed);
            WouldBlock(result);
        }
    }

    [Fact]
    public void Writing_to_a_pipe_without_a_reader_reports_a_closed_peer()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        read.Dispose();
        using (write)
        {
            IOResult result = Libc.write(write, [1]);
            Assert.Equal((true, true, false, Errno.EPIPE), (result.Failed, result.PeerGone, result.WouldBlock, result.Errno));
            SystemCallException failure = Assert.Throws<SystemCallException>(() => result.OrThrow("write(pipe)"));
            Assert.Equal(("write(pipe)", Errno.EPIPE), (failure.Call, failure.Errno));
        }
    }

    [Fact]
    public void Splice_moves_bytes_from_pipe_to_pipe()
    {
        (FileDescriptor firstRead, FileDescriptor firstWrite) = Libc.pipe2();
        (FileDescriptor secondRead, FileDescriptor secondWrite) = Libc.pipe2();
        using (firstRead)
        using (secondRead)
        using (secondWrite)
        {
            using (firstWrite)
            {
                WouldBlock(Libc.splice(firstRead, secondWrite, 65536));
                Libc.write(firstWrite, "eggman"u8);
            }

            Assert.Equal(4, Libc.splice(firstRead, secondWrite, 4).Count);
            Assert.Equal(2, Libc.splice(firstRead, secondWrite, 65536).Count);
            Assert.False(Libc.splice(firstRead, secondWrite, 65536).Failed, "the end of the pipe is 0 bytes");

            var buffer = new byte[10];
            Assert.Equal(6, Libc.read(secondRead, buffer).OrThrow("read"));
            Assert.Equal("eggman"u8, buffer.AsSpan(0, 6));
        }
    }

    [Fact]
    public void Splice_between_two_files_throws()
    {
        using FileDescriptor zero = Libc.open("/dev/zero", OpenFlags.O_RDONLY);
        using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_WRONLY);
        Assert.Equal(Errno.EINVAL, Libc.splice(zero, nothing, 10).Errno);
    }

    [Fact]
    public void A_wrong_kind_of_descriptor_throws_with_the_errno()
    {
        using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_WRONLY);
        Assert.Equal(Errno.EBADF, Libc.read(nothing, new byte[1]).Errno);
    }

    private static void WouldBlock(IOResult result) =>
        Assert.Equal(
            (true, true, false, 0L, Errno.EAGAIN), (result.Failed, result.WouldBlock, result.PeerGone, result.Count, result.Errno));
}
