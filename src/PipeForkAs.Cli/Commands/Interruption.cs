using System.Runtime.InteropServices;

using PipeForkAs.Cli.Replies;

namespace PipeForkAs.Cli.Commands;

/// <summary>Handles SIGINT (Ctrl-C) and SIGTERM, which end the command and the job.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource cancellation = new();
    private readonly TaskCompletionSource<int> exitStatus = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration interrupt;
    private readonly PosixSignalRegistration terminate;

    public Interruption()
    {
        interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, Replies.ExitStatus.Cancelled));
        terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, Replies.ExitStatus.Terminated));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => cancellation.Token;

    /// <summary>Completes at the first signal, with the command's exit status.</summary>
    public Task<int> ExitStatus => exitStatus.Task;

    public void Dispose()
    {
        interrupt.Dispose();
        terminate.Dispose();
        cancellation.Dispose();
    }

    private void End(PosixSignalContext context, int status)
    {
        context.Cancel = true;
        exitStatus.TrySetResult(status);
        try
        {
            cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The waiting code has already ended, on another thread, and there is nothing left to cancel.
        }
    }
}
