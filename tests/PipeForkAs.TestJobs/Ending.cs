using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;
using ChildProcess = System.Diagnostics.Process;

namespace PipeForkAs.TestJobs;

internal sealed record Duration(double Seconds);

internal sealed record ExitArguments(int Code);

internal sealed record SignalArguments(int Number);

internal sealed record ThrowArguments(string Message);

/// <param name="Seconds">The lifetime of the process.</param>
/// <param name="OwnSession">Whether it leaves the worker's session and process group.</param>
internal sealed record BackgroundArguments(int Seconds, bool OwnSession = false);

/// <param name="How"><c>read</c>, <c>read-async</c>, <c>write</c>, <c>write-async</c> or <c>process</c>.</param>
internal sealed record WaitArguments(string How);

/// <summary>Jobs that end in a certain way, or do not end.</summary>
internal static class Ending
{
    public static int Sleep(Duration arguments, JobContext context)
    {
        Thread.Sleep(TimeSpan.FromSeconds(arguments.Seconds));
        return 0;
    }

    public static int Exit(ExitArguments arguments, JobContext context) => arguments.Code;

    public static int Signal(SignalArguments arguments, JobContext context)
    {
        var signal = new Signal(arguments.Number);
        try
        {
            Libc.signal_default(signal);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EINVAL)
        {
            // SIGKILL and SIGSTOP have no other disposition.
        }

        Libc.sigmask_set(SignalSet.Empty);
        Libc.kill(Libc.getpid(), signal);

        // The signal may arrive on another thread. The function continues after SIGCHLD, SIGCONT, SIGURG and SIGWINCH, which terminate
        // nothing.
        Thread.Sleep(TimeSpan.FromSeconds(2));
        context.Line("survived");
        return 0;
    }

    public static int Throw(ThrowArguments arguments, JobContext context) => throw new InvalidOperationException(arguments.Message);

    public static string Overflow() => Recurse(0).ToString(CultureInfo.InvariantCulture);

    public static int IgnoreSigterm(Duration arguments, JobContext context)
    {
        Libc.signal_ignore(LibC.Signal.SIGTERM);
        context.Line("ready");
        return Sleep(arguments, context);
    }

    public static int Graceful(JobContext context)
    {
        CancellationToken token = context.CancellationToken;
        context.Line("ready");
        token.WaitHandle.WaitOne();
        context.Line("cancelled");
        return 42;
    }

    /// <summary>Waits for its client, or for a process, until the job is cancelled; then exits with 43.</summary>
    public static async Task<int> WaitAsync(WaitArguments arguments, JobContext context)
    {
        CancellationToken token = context.CancellationToken;
        if (arguments.How != "process")
            context.Line("ready");
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                switch (arguments.How)
                {
                    case "read":
                        context.Input.ReadExactly(buffer);
                        break;
                    case "read-async":
                        await context.Input.ReadExactlyAsync(buffer, token);
                        break;
                    case "write":
                        context.Output.Write(buffer);
                        break;
                    case "write-async":
                        await context.Output.WriteAsync(buffer, token);
                        break;
                    case "process":
                        return await TrapAsync(context);
                    default:
                        throw new ArgumentException(arguments.How, nameof(arguments));
                }
            }
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            return 43;
        }
    }

    /// <summary>A process that exits with 43 at SIGTERM. It does not have the outputs of the job.</summary>
    private static async Task<int> TrapAsync(JobContext context)
    {
        using ChildProcess child = ChildProcess.Start(
            new ProcessStartInfo(
                "/bin/sh", ["-c", "trap 'exit 43' TERM; echo ready; while :; do sleep 0.1; done"])
            { RedirectStandardOutput = true })!;
        context.Line(await child.StandardOutput.ReadLineAsync(CancellationToken.None) ?? "");
        await child.WaitForExitAsync(CancellationToken.None);
        return child.ExitCode;
    }

    public static int Background(BackgroundArguments arguments, JobContext context)
    {
        string seconds = arguments.Seconds.ToString(CultureInfo.InvariantCulture);
        using ChildProcess child = arguments.OwnSession
            ? ChildProcess.Start("/usr/bin/setsid", ["/bin/sleep", seconds])
            : ChildProcess.Start("/bin/sleep", [seconds]);
        context.Line(child.Id.ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Recurse(int depth)
    {
        Span<byte> frame = stackalloc byte[4096];
        frame[depth % frame.Length] = 1;
        return Recurse(depth + 1) + frame[0];
    }
}
