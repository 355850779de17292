using System.Text;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Tests;

public sealed class DescriptorStreamTests : IDisposable
{
    private readonly FileDescriptor read, write;
    private readonly DescriptorStream input, output;

    public DescriptorStreamTests()
    {
        (read, write) = Libc.pipe2();
        (input, output) = (new DescriptorStream(read, FileAccess.Read), new DescriptorStream(write, FileAccess.Write));
    }

    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        read.Dispose();
        write.Dispose();
    }

    [Fact]
    public void What_is_written_is_read_until_the_end()
    {
        output.Write("abc"u8);
        output.Write(Encoding.ASCII.GetBytes("xdefx"), 1, 3);
        output.Flush();
        byte[] buffer = new byte[8];
        Assert.Equal(6, input.Read(buffer, 1, 7));
        Assert.Equal("\0abcdef\0", Encoding.ASCII.GetString(buffer));
        write.Dispose();
        Assert.Equal(0, input.Read(buffer));
        Assert.Equal(-1, input.ReadByte());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task More_than_a_pipe_holds_is_copied_whole_asynchronously_or_not(bool asynchronously)
    {
        byte[] sent = [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)(i * 31 / 7))];
        Task writing = Task.Run(async () =>
        {
            await output.WriteAsync(sent);
            write.Dispose();
        }, TestContext.Current.CancellationToken);
        using var received = new MemoryStream();
        if (asynchronously)
            await input.CopyToAsync(received, TestContext.Current.CancellationToken);
        else
            input.CopyTo(received);
        await writing;
        Assert.True(received.ToArray().AsSpan().SequenceEqual(sent));
    }

    [Fact]
    public void It_works_under_a_reader_and_a_writer_of_text()
    {
        using (var writer = new StreamWriter(output, leaveOpen: true))
            writer.WriteLine("grüße");
        write.Dispose();
        using var reader = new StreamReader(input);
        Assert.Equal("grüße", reader.ReadLine());
        Assert.Null(reader.ReadLine());
    }

    [Fact]
    public void A_client_that_is_gone_is_an_exception_with_the_errno()
    {
        read.Dispose();
        IOException failure = Assert.Throws<IOException>(() => output.Write("abc"u8));
        Assert.Contains("EPIPE", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Errno.EPIPE.Value, failure.HResult);
    }

    [Fact]
    public void It_goes_one_way_and_cannot_be_sought_in()
    {
        Assert.Equal((true, false, false), (input.CanRead, input.CanWrite, input.CanSeek));
        Assert.Equal((false, true, false), (output.CanRead, output.CanWrite, output.CanSeek));
        Assert.Throws<NotSupportedException>(() => input.Write("a"u8));
        Assert.Throws<NotSupportedException>(() => output.ReadByte());
        Assert.Throws<NotSupportedException>(() => output.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => output.SetLength(0));
        Assert.Throws<NotSupportedException>(() => output.Length);
        Assert.Throws<NotSupportedException>(() => output.Position);
    }

    [Fact]
    public void Its_descriptor_stays_open()
    {
        output.Dispose();
        Assert.Throws<ObjectDisposedException>(() => output.Write("a"u8));
        Assert.False(output.CanWrite);
        Assert.False(write.IsClosed);
        Libc.write(write, "a"u8).OrThrow("write");
    }
}
