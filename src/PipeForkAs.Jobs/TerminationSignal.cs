using System.Runtime.InteropServices;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs;

/// <summary>
/// SIGTERM as a cancellation token, from the first time that a job asks for it, and as a descriptor, from the first time that one of its
/// streams waits. A job that needs neither pays for neither.
/// </summary>
#pragma warning disable CA1001 // It lives as long as the worker, which ends by _exit.
internal sealed class TerminationSignal
#pragma warning restore CA1001
{
    private readonly Lock gate = new();
    private volatile CancellationTokenSource? source;
    private FileDescriptor? waker;
    private volatile bool came;
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
                        Cancel();
                    });
#pragma warning restore RS0030
                    GC.KeepAlive(registration);
                }

                return source.Token;
            }
        }
    }

    /// <summary>Can be read once the token is cancelled: what waits for a stream wakes up by it.</summary>
    /// <exception cref="SystemCallException">It cannot be made.</exception>
    public FileDescriptor Waker
    {
        get
        {
            lock (gate)
            {
                if (waker is null)
                {
                    waker = Libc.eventfd();
                    if (came)
                        Wake(waker);
                }

                return waker;
            }
        }
    }

    /// <summary>What eventfd(2) takes for a 1, in the order of this machine's bytes.</summary>
    private static ReadOnlySpan<byte> One => [1, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Whether it is this signal's token.</summary>
    public bool Owns(CancellationToken token) => source is { } made && token == made.Token;

    /// <summary>Throws once the signal came. Where no token was asked for, it ended the process.</summary>
    /// <exception cref="OperationCanceledException">It came.</exception>
    public void ThrowIfCancelled()
    {
        if (!came)
            return;

        // The signal's thread is about to cancel it: a job's catch may depend on the token.
        CancellationToken token = source!.Token;
        var pause = default(SpinWait);
        while (!token.IsCancellationRequested)
            pause.SpinOnce();
        token.ThrowIfCancellationRequested();
    }

    /// <summary>As the signal does. What waits wakes up first: what the job does at the token may depend on that.</summary>
    internal void Cancel()
    {
        lock (gate)
        {
            came = true;
            if (waker is not null)
                Wake(waker);
        }

        source!.Cancel();
    }

    /// <summary>Fails only where it was woken very often already.</summary>
    internal static void Wake(FileDescriptor eventDescriptor) => Libc.write(eventDescriptor, One);
}
