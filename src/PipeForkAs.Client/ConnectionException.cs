using System.Net.Sockets;

namespace PipeForkAs.Client;

/// <summary>The client cannot reach the daemon; nothing was run. The message says what to do.</summary>
public sealed class ConnectionException : PipeForkAsException
{
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
        : base($"\"{socketPath}\" cannot be the path of a socket: unix(7) allows 1 to 107 bytes", cause)
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

    private static string Explain(string path, SocketError error, string problem) => error switch
    {
        SocketError.AddressNotAvailable => $"there is no socket at {path}; is the daemon running? See: systemctl status pipeforkas",
        SocketError.ConnectionRefused => $"nobody listens at {path}; is the daemon running? See: systemctl status pipeforkas",
        SocketError.AccessDenied => $"permission denied at {path}; its mode and owner and those of its folders say who may connect",
        SocketError.WouldBlock => $"the daemon at {path} takes no more connections at present; try again later",
        _ => $"cannot connect to {path}: {problem}",
    };
}
