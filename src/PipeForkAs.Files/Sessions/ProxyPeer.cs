using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using PipeForkAs.Files.Logging;
using PipeForkAs.Files.Settings;
using PipeForkAs.LibC;

namespace PipeForkAs.Files.Sessions;

/// <summary>The proxy that authenticates users. Its header is believed only on a connection whose other end the kernel attests: a Unix
/// socket, and a process of the proxy's account.
/// </summary>
internal sealed class ProxyPeer
{
    // asm-generic/socket.h of Linux; a struct ucred contains pid, uid and gid, 4 bytes each.
    private const int SOL_SOCKET = 1;
    private const int SO_PEERCRED = 17;
    private const int UcredSize = 12;
    private const int UidOffset = 4;

    private readonly ProxyOptions options;
    private readonly uint uid;
    private readonly ILogger logger;

    /// <summary>Looks up the account of the proxy.</summary>
    /// <exception cref="OptionsException">There is no such account.</exception>
    public ProxyPeer(ProxyOptions options, ILogger<ProxyPeer> logger)
    {
        this.options = options;
        this.logger = logger;
        uid = Libc.getpwnam(options.User)?.Uid.Value
            ?? throw new OptionsException($"Proxy:User is \"{options.User}\", and there is no such account");
    }

    /// <summary>Returns the user whom the proxy names; null if the request is not the proxy's, or if it does not name one user.</summary>
    public string? UserOf(HttpContext http)
    {
        if (PeerUid(http.Features.Get<IConnectionSocketFeature>()?.Socket) is not { } peer)
            return null;
        if (peer != uid)
        {
            logger.NotTheProxy(peer, uid);
            return null;
        }

        return http.Request.Headers[options.Header] is [{ } name] && IsUserName(name) ? name : null;
    }

    /// <summary>Whether a text can be the name of a user, and not a uid in digits, which the daemon accepts too.</summary>
    internal static bool IsUserName(string name) =>
        name.Length is > 0 and <= 256 && !name.All(char.IsAsciiDigit) && !name.Any(char.IsControl) && name.Trim() == name;

    private static uint? PeerUid(Socket? socket)
    {
        if (socket is null || socket.AddressFamily != AddressFamily.Unix)
            return null;
        Span<byte> ucred = stackalloc byte[UcredSize];
        return socket.GetRawSocketOption(SOL_SOCKET, SO_PEERCRED, ucred) == UcredSize
            ? BinaryPrimitives.ReadUInt32LittleEndian(ucred[UidOffset..])
            : null;
    }
}
