using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Wakes one waiting call when a token other than the job's is cancelled.</summary>
internal sealed class CallWaker : IDisposable
{
    private readonly CancellationTokenRegistration registration;

    private CallWaker(CancellationToken token)
    {
        Descriptor = Libc.eventfd();
        registration = token.UnsafeRegister(static waker => TerminationSignal.Wake((FileDescriptor)waker!), Descriptor);
    }

    /// <summary>Becomes readable when the token is cancelled.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Creates a waker for the token; null if the token cannot be cancelled or is the job's token.</summary>
    /// <exception cref="SystemCallException">The descriptor cannot be created.</exception>
    public static CallWaker? For(TerminationSignal termination, CancellationToken token) =>
        token.CanBeCanceled && !termination.Owns(token) ? new CallWaker(token) : null;

    public void Dispose()
    {
        // Waits for a running callback, so that it cannot write to a descriptor number that is already in use for something else.
        registration.Dispose();
        Descriptor.Dispose();
    }
}
