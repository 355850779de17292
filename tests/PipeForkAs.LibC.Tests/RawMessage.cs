using Tmds.Linux;
using C = Tmds.Linux.LibC;

namespace PipeForkAs.LibC.Tests;

/// <summary>Messages that LibC refuses to send, as a hostile peer would.</summary>
internal static unsafe class RawMessage
{
    /// <summary>Sends a number of bytes with a number of copies of a descriptor.</summary>
    public static void Send(FileDescriptor socket, int bytes, FileDescriptor descriptor, int count)
    {
        int length = sizeof(cmsghdr) + (count * sizeof(int));
        byte* control = stackalloc byte[length + 8];
        byte* data = stackalloc byte[bytes + 1];
        var header = (cmsghdr*)control;
        *header = new() { cmsg_len = length, cmsg_level = C.SOL_SOCKET, cmsg_type = C.SCM_RIGHTS };
        for (int i = 0; i < count; i++)
            ((int*)(control + sizeof(cmsghdr)))[i] = descriptor.Number;

        var part = new iovec { iov_base = data, iov_len = bytes };
        var message = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = (length + 7) & ~7 };
        // SAFETY: all that the message points to lives on the stack until the call returns, with the stated lengths.
        Assert.Equal(bytes, C.sendmsg(socket.Number, &message, 0));
    }

    /// <summary>Sends a byte with MSG_OOB and a descriptor.</summary>
    public static void SendOutOfBand(FileDescriptor socket, byte value, FileDescriptor descriptor)
    {
        byte* control = stackalloc byte[sizeof(cmsghdr) + 8];
        *(cmsghdr*)control = new() { cmsg_len = sizeof(cmsghdr) + sizeof(int), cmsg_level = C.SOL_SOCKET, cmsg_type = C.SCM_RIGHTS };
        *(int*)(control + sizeof(cmsghdr)) = descriptor.Number;
        var part = new iovec { iov_base = &value, iov_len = 1 };
        var message = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = sizeof(cmsghdr) + 8 };
        // SAFETY: all that the message points to lives on the stack until the call returns, with the stated lengths.
        Assert.Equal(1, C.sendmsg(socket.Number, &message, C.MSG_OOB));
    }
}
