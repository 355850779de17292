using System.Text;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Tests;

public sealed class DescriptorStreamTests : IDisposable
{
    private const int Patience = 30_000, Glance = 100;

    private readonly FileDescriptor read, write;
    private readonly TerminationSignal termination = new();
    private readonly DescriptorStream input, output;

    public DescriptorStreamTests()
    {
        (read, write) = Libc.socketpair_stream();
        input = new DescriptorStream(read, FileAccess.Read, termination);
        output = new DescriptorStream(write, FileAccess.Write, termination);
    }

    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        read.Dispose();
        write.Dispose();
    }

    [Fact]
    public void Written_bytes_are_read_until_the_end()
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
    public async Task More_than_a_socket_buffer_is_copied_completely_synchronously_or_not(bool asynchronously)
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

    [Theory(Timeout = Patience)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_waiting_read_is_cancelled_with_the_job(bool asynchronously)
    {
        CancellationToken job = termination.Token;
        Task<int> reading = asynchronously
            ? input.ReadAsync(new byte[8], CancellationToken.None).AsTask()
            : Task.Run(() => input.Read(new byte[8]), TestContext.Current.CancellationToken);
        Assert.NotSame(reading, await Task.WhenAny(reading, Task.Delay(Glance, TestContext.Current.CancellationToken)));

        termination.Cancel();

        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(job, cancelled.CancellationToken);
    }

    [Theory(Timeout = Patience)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_waiting_write_is_cancelled_with_the_job(bool asynchronously)
    {
        CancellationToken job = termination.Token;
        byte[] much = new byte[1 << 22];
        Task writing = asynchronously
            ? output.WriteAsync(much, CancellationToken.None).AsTask()
            : Task.Run(() => output.Write(much), TestContext.Current.CancellationToken);
        Assert.NotSame(writing, await Task.WhenAny(writing, Task.Delay(Glance, TestContext.Current.CancellationToken)));

        termination.Cancel();

        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        Assert.Equal(job, cancelled.CancellationToken);
    }

    [Fact(Timeout = Patience)]
    public async Task A_waiting_call_is_cancelled_by_its_own_token_and_the_stream_continues()
    {
        using var own = new CancellationTokenSource();
        Task<int> reading = input.ReadAsync(new byte[8], own.Token).AsTask();
        await own.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(own.Token, cancelled.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => input.ReadAsync(new byte[8], own.Token).AsTask());

        using var other = new CancellationTokenSource();
        Task<int> next = input.ReadAsync(new byte[8], other.Token).AsTask();
        await output.WriteAsync("abc"u8.ToArray(), other.Token);
        Assert.Equal(3, await next);
    }

    [Fact(Timeout = Patience)]
    public async Task A_job_that_first_reads_the_token_while_it_waits_is_cancelled_too()
    {
        Task<int> reading = Task.Run(() => input.Read(new byte[8]), TestContext.Current.CancellationToken);
        Assert.NotSame(reading, await Task.WhenAny(reading, Task.Delay(Glance, TestContext.Current.CancellationToken)));
        CancellationToken job = termination.Token;

        termination.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.True(job.IsCancellationRequested);
    }

    [Fact]
    public void A_cancelled_job_can_still_transfer_what_does_not_block()
    {
        _ = termination.Token;
        output.Write("abc"u8);
        termination.Cancel();

        output.Write("def"u8);
        Assert.Equal(6, input.Read(new byte[8]));
        Assert.ThrowsAny<OperationCanceledException>(() => input.Read(new byte[8]));
    }

    [Fact]
    public void The_stream_works_with_a_text_reader_and_writer()
    {
        using (var writer = new StreamWriter(output, leaveOpen: true))
            writer.WriteLine("grüße");
        write.Dispose();
        using var reader = new StreamReader(input);
        Assert.Equal("grüße", reader.ReadLine());
        Assert.Null(reader.ReadLine());
    }

    [Fact]
    public void A_disconnected_client_causes_an_exception_with_the_errno()
    {
        read.Dispose();
        IOException failure = Assert.Throws<IOException>(() => output.Write("abc"u8));
        Assert.Contains("EPIPE", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Errno.EPIPE.Value, failure.HResult);
    }

    [Fact]
    public void The_stream_has_one_direction_and_does_not_seek()
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
    public void The_descriptor_of_the_stream_stays_open()
    {
        output.Dispose();
        Assert.Throws<ObjectDisposedException>(() => output.Write("a"u8));
        Assert.False(output.CanWrite);
        Assert.False(write.IsClosed);
        Libc.write(write, "a"u8).OrThrow("write");
    }
}
