using System.Net.Sockets;

using PipeForkAs.Protocol;

namespace PipeForkAs.Client;

/// <summary>The client cannot reach the daemon; nothing was run. The message says what to do.</summary>
public sealed class ConnectionException : PipeForkAsException
{
    private const string Remedy = "is pipeforkas running? See: systemctl status pipeforkas";

    internal ConnectionException(string socketPath, SocketException cause)
        : base(Explain(socketPath, cause.SocketErrorCode, cause.Message), cause)
    {
        SocketPath = socketPath;
        SocketError = cause.SocketErrorCode;
    }

    internal ConnectionException(string socketPath, SocketError error, string problem)
        : base(Explain(socketPath, error, problem))
    {
        SocketPath = socketPath;
        SocketError = error;
    }

    internal ConnectionException(string socketPath, ArgumentException cause)
        : base($"\"{UntrustedText.Excerpt(socketPath)}\" cannot be the path of a socket: unix(7) allows 1 to 107 bytes", cause)
    {
        SocketPath = socketPath;
        SocketError = SocketError.InvalidArgument;
    }

    /// <summary>The path of the socket.</summary>
    public string SocketPath { get; }

    /// <summary>Why connect(2) failed: <see cref="SocketError.AddressNotAvailable"/> if nothing is at the path,
    /// <see cref="SocketError.ConnectionRefused"/> if no process listens there, <see cref="SocketError.AccessDenied"/> if the caller may
    /// not use the socket.
    /// </summary>
    public SocketError SocketError { get; }

    private static string Explain(string path, SocketError error, string problem) =>
        $"cannot connect to {UntrustedText.Excerpt(path)}: " + error switch
        {
            SocketError.AddressNotAvailable => $"no such file; {Remedy}",
            SocketError.ConnectionRefused => $"no process listens on it; {Remedy}",
            SocketError.AccessDenied => "permission denied; check the owner and mode of the socket and its folders",
            SocketError.WouldBlock => "the daemon's queue of connections is full; try again later",
            _ => UntrustedText.Excerpt(problem),
        };
}
