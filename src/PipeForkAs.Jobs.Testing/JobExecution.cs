using System.Globalization;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Testing;

/// <summary>One run of a function on a thread of its own: what a worker and the daemon do with it, without the fork.</summary>
internal sealed class JobExecution(Job job, JobUser user, byte[] arguments, JobSockets streams, TimeProvider time)
{
    /// <summary>The exit code of a worker whose function did not return one.</summary>
    private const int FailureCode = 1;

    private readonly TerminationSignal termination = new(isOfProcess: false);

    /// <summary>Runs the function to its end, or as long as it may.</summary>
    /// <param name="limit">How long it may run; null for no limit.</param>
    /// <param name="killGrace">How long it may run on when it is cancelled.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="JobStreamException">A stream of the test failed.</exception>
    public async Task<JobResult> RunAsync(TimeSpan? limit, TimeSpan killGrace, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = limit is { } longest ? new CancellationTokenSource(longest, time) : new();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken, streams.Failed);
        Task<(long Output, long Error)> relayed = streams.RelayAsync();
        Task<JobResult> function = Start();
        int? signal = null;
        JobResult? stopped = null;
        try
        {
            await function.WaitAsync(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!function.IsCompleted)
        {
            stopped = timeout.IsCancellationRequested
                ? new JobResult { Code = ReplyCode.Timeout, Message = TimedOut(limit!.Value) }
                : new JobResult { Code = ReplyCode.Cancelled, Message = "the job was cancelled" };
            signal = await EndAsync(function, killGrace).ConfigureAwait(false);
        }

        // The streams of a function that returned are at their ends already; this ends those of one that runs on.
        streams.EndJob();
        (long output, long error) = await relayed.ConfigureAwait(false);
        streams.ThrowIfFailed();
        JobResult result = signal is { } number
            ? stopped! with { Signal = number }
            : Ended(await function.ConfigureAwait(false), stopped);
        return result with { StdoutBytes = output, StderrBytes = error, Pid = Environment.ProcessId };
    }

    private static JobResult Ended(JobResult returned, JobResult? stopped) =>
        stopped is null ? returned : stopped with { ExitCode = returned.ExitCode };

    private static string TimedOut(TimeSpan limit) =>
        string.Create(CultureInfo.InvariantCulture, $"the job ran longer than {limit.TotalSeconds:0.###} s");

    /// <summary>A worker has a thread without a context of the test framework; so has the function here.</summary>
    private Task<JobResult> Start()
    {
        Task<JobResult> function = Task.Factory.StartNew(
            Invoke, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        function.ContinueWith(
            static (_, state) => ((JobSockets)state!).CloseJob(), streams, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return function;
    }

    /// <summary>Ends the function as SIGTERM, and SIGKILL after the grace, end a worker. Returns the signal that killed it; null if it
    /// ended itself.
    /// </summary>
    private async Task<int?> EndAsync(Task function, TimeSpan killGrace)
    {
        if (!termination.IsRead)
            return Signal.SIGTERM.Number;

        // Code that the job runs on cancellation must not hold up the test.
        _ = Task.Run(termination.Cancel, CancellationToken.None);
        try
        {
            await function.WaitAsync(killGrace, time, CancellationToken.None).ConfigureAwait(false);
            return null;
        }
        catch (TimeoutException)
        {
            return Signal.SIGKILL.Number;
        }
    }

    /// <summary>Runs the function, and reports what a worker reports.</summary>
    private JobResult Invoke()
    {
        try
        {
            var context = new JobContext(user, arguments, streams.OpenInput, streams.OpenOutput, streams.OpenError, termination);
            int code = job.Invoke(context);
            return code == 0
                ? new JobResult { Code = ReplyCode.Ok, ExitCode = code }
                : new JobResult
                {
                    Code = ReplyCode.Failed,
                    ExitCode = code,
                    Message = string.Create(CultureInfo.InvariantCulture, $"the job exited with {code}"),
                };
        }
        catch (JobArgumentsException wrong)
        {
            return new JobResult { Code = ReplyCode.BadArguments, ExitCode = FailureCode, Message = wrong.Message };
        }
#pragma warning disable CA1031 // Whatever the function throws, the client gets it.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            Exception cause = Failure.Cause(thrown);
            string type = Failure.TypeName(cause);
            int errno = Failure.ErrnoOf(cause);
            return new JobResult
            {
                Code = ReplyCode.Error,
                ExitCode = FailureCode,
                Message = $"{type}: {cause.Message}",
                Error = new JobError(type, cause.Message, errno == 0 ? null : errno),
            };
        }
        finally
        {
            streams.EndJob();
        }
    }
}
