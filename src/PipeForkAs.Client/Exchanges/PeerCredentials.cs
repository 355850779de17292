using System.Buffers.Binary;
using System.Net.Sockets;

namespace PipeForkAs.Client.Exchanges;

/// <summary>The process that listens at a socket, as the kernel attests it.</summary>
internal static class PeerCredentials
{
    // asm-generic/socket.h of Linux; a struct ucred contains pid, uid and gid, 4 bytes each.
    private const int SOL_SOCKET = 1;
    private const int SO_PEERCRED = 17;
    private const int UcredSize = 12;
    private const int UidOffset = 4;

    /// <summary>Returns the effective uid of the process that called listen(2), at that time: getsockopt(2) <c>SO_PEERCRED</c>, unix(7).
    /// </summary>
    /// <exception cref="SocketException">The kernel does not report it.</exception>
    public static uint Uid(Socket socket)
    {
        Span<byte> ucred = stackalloc byte[UcredSize];
        int length = socket.GetRawSocketOption(SOL_SOCKET, SO_PEERCRED, ucred);
        return length == UcredSize
            ? BinaryPrimitives.ReadUInt32LittleEndian(ucred[UidOffset..])
            : throw new SocketException((int)SocketError.ProtocolOption, $"SO_PEERCRED has {length} bytes instead of {UcredSize}");
    }
}
