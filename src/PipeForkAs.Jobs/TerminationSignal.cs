using System.Runtime.InteropServices;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs;

/// <summary>Provides SIGTERM as a cancellation token, once a job reads the token, and as a descriptor, once one of the job's streams waits.
/// A job that needs neither pays for neither.
/// </summary>
/// <param name="isOfProcess">
/// Whether SIGTERM to this process is the signal. If not, only <see cref="Cancel"/> is, for a job in the process of a test.
/// </param>
#pragma warning disable CA1001 // It lives as long as the worker, which ends with _exit.
internal sealed class TerminationSignal(bool isOfProcess = true)
#pragma warning restore CA1001
{
    private readonly Lock gate = new();
    private volatile CancellationTokenSource? source;
    private FileDescriptor? waker;
    private volatile bool came;
#pragma warning disable RS0030 // It runs in a worker, after the fork, or in a job host that a person runs.
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
                    if (isOfProcess)
                        Register();
                }

                return source.Token;
            }
        }
    }

    /// <summary>Whether code has read the token. If not, the signal ends the worker.</summary>
    public bool IsRead => source is not null;

    /// <summary>A descriptor that becomes readable when the token is cancelled; it wakes a waiting stream.</summary>
    /// <exception cref="SystemCallException">The descriptor cannot be created.</exception>
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

    /// <summary>The value 1 for eventfd(2), in the byte order of this machine.</summary>
    private static ReadOnlySpan<byte> One => [1, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Whether the token is the token of this signal.</summary>
    public bool Owns(CancellationToken token) => source is { } made && token == made.Token;

    /// <summary>Throws if the signal has arrived. If no code has read the token, the signal has ended the process.</summary>
    /// <exception cref="OperationCanceledException">The signal has arrived.</exception>
    public void ThrowIfCancelled()
    {
        if (!came)
            return;

        // The signal's thread is about to cancel the token: a catch block of the job may depend on the token.
        CancellationToken token = source!.Token;
        var pause = default(SpinWait);
        while (!token.IsCancellationRequested)
            pause.SpinOnce();
        token.ThrowIfCancellationRequested();
    }

    private void Register()
    {
#pragma warning disable RS0030 // It runs in a worker, after the fork, or in a job host that a person runs.
        registration = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            Cancel();
        });
#pragma warning restore RS0030
        GC.KeepAlive(registration);
    }

    /// <summary>Acts as the signal does. Wakes waiting calls first: code that the job runs on cancellation may depend on that.</summary>
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

    /// <summary>Fails only if the descriptor already contains very many wake-ups.</summary>
    internal static void Wake(FileDescriptor eventDescriptor) => Libc.write(eventDescriptor, One);
}
