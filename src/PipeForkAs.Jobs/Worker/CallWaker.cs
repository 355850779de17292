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

    /// <summary>Can be read once the token is cancelled.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>One for the token; null where the token cannot be cancelled, or is the job's own.</summary>
    /// <exception cref="SystemCallException">It cannot be made.</exception>
    public static CallWaker? For(TerminationSignal termination, CancellationToken token) =>
        token.CanBeCanceled && !termination.Owns(token) ? new CallWaker(token) : null;

    public void Dispose()
    {
        // Waits for a callback that runs: nobody wakes a descriptor that may be another's by then.
        registration.Dispose();
        Descriptor.Dispose();
    }
}
