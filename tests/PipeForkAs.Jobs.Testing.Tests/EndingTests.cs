using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Jobs.Testing.Tests;

/// <summary>How a run ends that does not end by itself.</summary>
public sealed class EndingTests : IDisposable
{
    /// <summary>In milliseconds.</summary>
    private const int Patience = 60_000;

    private readonly CancellationTokenSource cancel = new();
    private readonly ManualResetEventSlim begun = new();
#pragma warning disable CA2213 // The function of a killed job may still wait for it.
    private readonly ManualResetEventSlim release = new();
#pragma warning restore CA2213

    public void Dispose()
    {
        release.Set();
        cancel.Dispose();
        begun.Dispose();
    }

    [Fact(Timeout = Patience)]
    public async Task A_cancelled_job_can_clean_up_and_its_exit_code_and_output_are_kept()
    {
        JobOutput output = await CancelAsync(job =>
        {
            CancellationToken token = job.CancellationToken;
            begun.Set();
            token.WaitHandle.WaitOne();
            job.Output.Write("cleaned up"u8);
            return 3;
        });
        Assert.Equal((ReplyCode.Cancelled, 3, null), (output.Result.Code, output.Result.ExitCode, output.Result.Signal));
        Assert.Equal("cleaned up", output.StdoutText);
    }

    [Fact(Timeout = Patience)]
    public async Task A_job_that_throws_when_it_is_cancelled_has_the_exit_code_of_an_exception()
    {
        JobOutput output = await CancelAsync(async job =>
        {
            CancellationToken token = job.CancellationToken;
            begun.Set();
            await Task.Delay(-1, token);
            return 0;
        });
        Assert.Equal((ReplyCode.Cancelled, 1, null), (output.Result.Code, output.Result.ExitCode, output.Result.Error));
    }

    [Theory(Timeout = Patience)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_that_waits_ends_when_the_job_is_cancelled(bool asynchronously)
    {
        using var endless = new EndlessStream();
        JobOutput output = await CancelAsync(async job =>
        {
            CancellationToken token = job.CancellationToken;
            byte[] buffer = new byte[8];
            begun.Set();
            try
            {
                return asynchronously ? await job.Input.ReadAsync(buffer, token) : job.Input.Read(buffer);
            }
            catch (OperationCanceledException)
            {
                return 9;
            }
        }, endless);
        Assert.Equal((ReplyCode.Cancelled, 9), (output.Result.Code, output.Result.ExitCode));
    }

    [Fact(Timeout = Patience)]
    public async Task A_job_that_never_reads_its_token_is_terminated()
    {
        bool? couldWrite = null;
        using var ended = new ManualResetEventSlim();
        JobOutput output = await CancelAsync(job =>
        {
            job.Output.Write("begun"u8);
            begun.Set();
            release.Wait();
            couldWrite = CanWrite(job);
            ended.Set();
            return 0;
        });
        Assert.Equal((ReplyCode.Cancelled, null, 15), (output.Result.Code, output.Result.ExitCode, output.Result.Signal));
        Assert.Equal("begun", output.StdoutText);

        // Its function runs on, with its streams at their ends.
        release.Set();
        Assert.True(ended.Wait(Patience));
        Assert.False(couldWrite);
    }

    [Fact(Timeout = Patience)]
    public async Task A_job_that_goes_on_after_its_cancellation_is_killed()
    {
        JobOutput output = await CancelAsync(job =>
        {
            Assert.False(job.CancellationToken.IsCancellationRequested);
            begun.Set();
            release.Wait();
            return 0;
        }, killGrace: TimeSpan.FromMilliseconds(20));
        Assert.Equal((ReplyCode.Cancelled, null, 9), (output.Result.Code, output.Result.ExitCode, output.Result.Signal));
    }

    [Fact(Timeout = Patience)]
    public async Task A_job_that_ends_before_its_input_does_is_not_held_up()
    {
        using var endless = new EndlessStream();
        var jobs = new JobTester(collection => collection.Add("motto", () => "eggman"));
        Assert.Equal("eggman", (await jobs.CaptureAsync(new JobRequest("motto"), endless)).EnsureSuccess().StdoutText);
    }

    [Fact(Timeout = Patience)]
    public async Task A_stream_of_the_test_that_fails_cancels_the_job_and_throws()
    {
        var jobs = new JobTester(collection => collection.Add("cat", async job =>
        {
            await job.Input.CopyToAsync(job.Output, job.CancellationToken);
            return 0;
        }));
        var request = new JobRequest("cat");
        using var broken = new BrokenStream(5);
        JobStreamException input = await Assert.ThrowsAsync<JobStreamException>(() => jobs.RunAsync(request, broken));
        Assert.Equal(JobStream.Input, input.Stream);
        using var some = new MemoryStream(new byte[100]);
        JobStreamException output = await Assert.ThrowsAsync<JobStreamException>(() => jobs.RunAsync(request, some, broken));
        Assert.Equal(JobStream.Output, output.Stream);
    }

    private static bool CanWrite(JobContext job)
    {
        try
        {
            job.Output.Write("too late"u8);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private Task<JobOutput> CancelAsync(Func<JobContext, int> function, Stream? input = null, TimeSpan? killGrace = null) =>
        CancelAsync(jobs => jobs.Add("job", function), input, killGrace);

    private Task<JobOutput> CancelAsync(Func<JobContext, Task<int>> function, Stream? input = null) =>
        CancelAsync(jobs => jobs.Add("job", function), input, null);

    /// <summary>Runs a job, and cancels it once it has begun.</summary>
    private async Task<JobOutput> CancelAsync(Action<JobCollection> register, Stream? input, TimeSpan? killGrace)
    {
        var jobs = new JobTester(register) { KillGrace = killGrace ?? TimeSpan.FromMilliseconds(Patience) };
        Task<JobOutput> run = jobs.CaptureAsync(new JobRequest("job"), input, cancel.Token);
        await Task.Run(begun.Wait);
        await cancel.CancelAsync();
        return await run;
    }

    /// <summary>A stream whose reads never end, and heed no token.</summary>
    private sealed class EndlessStream : MemoryStream
    {
        private readonly TaskCompletionSource<int> never = new();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(never.Task);
    }
}
