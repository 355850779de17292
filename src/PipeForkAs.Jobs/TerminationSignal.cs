using System.Runtime.InteropServices;

namespace PipeForkAs.Jobs;

/// <summary>SIGTERM as a cancellation token, from the first time that someone asks for it.</summary>
#pragma warning disable CA1001 // It lives as long as the worker, which ends by _exit.
internal sealed class TerminationSignal
#pragma warning restore CA1001
{
    private readonly Lock gate = new();
    private CancellationTokenSource? source;
#pragma warning disable RS0030 // It runs in a worker, behind the fork, or in a job host that is run by hand.
    private PosixSignalRegistration? registration;
#pragma warning restore RS0030

    public CancellationToken Token
    {
        get
        {
            lock (gate)
            {
                if (source is null)
                {
                    source = new CancellationTokenSource();
#pragma warning disable RS0030 // The same.
                    registration = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
                    {
                        signal.Cancel = true;
                        source.Cancel();
                    });
#pragma warning restore RS0030
                    GC.KeepAlive(registration);
                }

                return source.Token;
            }
        }
    }
}
