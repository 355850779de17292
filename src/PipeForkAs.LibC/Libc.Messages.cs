using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>The most descriptors in a message.</summary>
    public const int MaxMessageDescriptors = 128;

    /// <summary>sendmsg(2) of one message with descriptors (SCM_RIGHTS); the receiver gets copies.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="data">The message, at least one byte.</param>
    /// <param name="descriptors">At most <see cref="MaxMessageDescriptors"/>.</param>
    /// <param name="mayBeEmpty">
    /// Whether a message may contain descriptors without a byte; the journal accepts such messages on its datagram socket.
    /// </param>
    public static IOResult sendmsg(
        FileDescriptor socket, ReadOnlySpan<byte> data, ReadOnlySpan<FileDescriptor> descriptors, bool mayBeEmpty = false)
    {
        if (!mayBeEmpty)
            ArgumentOutOfRangeException.ThrowIfZero(data.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxMessageDescriptors);
        byte* control = stackalloc byte[ControlSize];
        // SAFETY: control has room for one header and MaxMessageDescriptors ints, is aligned by the stack and zeroed; the data is pinned
        // for the call.
        new Span<byte>(control, ControlSize).Clear();
        fixed (byte* start = data)
        {
            var part = new iovec { iov_base = start, iov_len = data.Length };
            var message = new msghdr { msg_iov = &part, msg_iovlen = 1 };
            if (descriptors.Length > 0)
            {
                var header = (cmsghdr*)control;
                header->cmsg_len = sizeof(cmsghdr) + (sizeof(int) * descriptors.Length);
                header->cmsg_level = C.SOL_SOCKET;
                header->cmsg_type = C.SCM_RIGHTS;
                var numbers = (int*)(control + sizeof(cmsghdr));
                for (int i = 0; i < descriptors.Length; i++)
                    numbers[i] = descriptors[i].Number;
                message.msg_control = control;
                message.msg_controllen = sizeof(cmsghdr) + (((sizeof(int) * descriptors.Length) + 7) & ~7);
            }

            IOResult result;
            do
                result = Check.Count(C.sendmsg(socket.Number, &message, C.MSG_NOSIGNAL));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>recvmsg(2) of one message with its descriptors, which are close-on-exec. A message that is truncated, contains more
    /// descriptors than there is room for, or contains descriptors but no byte, is an error (EMSGSIZE); this then closes every received
    /// descriptor.
    /// </summary>
    /// <param name="socket">The socket.</param>
    /// <param name="buffer">Receives the message.</param>
    /// <param name="descriptors">Receives the descriptors; the caller owns them.</param>
    /// <param name="descriptorCount">The number of descriptors received.</param>
    /// <param name="mayBeEmpty">
    /// Whether a message may contain descriptors without a byte: for sockets without a connection, which have no end either.
    /// </param>
    /// <param name="mayLackDescriptors">
    /// Whether to accept a message that lost descriptors because this process has reached its limit. The message is returned without
    /// descriptors, and the received ones are closed.
    /// </param>
    public static IOResult recvmsg(
        FileDescriptor socket, Span<byte> buffer, Span<FileDescriptor?> descriptors, out int descriptorCount, bool mayBeEmpty = false,
        bool mayLackDescriptors = false)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxMessageDescriptors);
        descriptorCount = 0;
        byte* control = stackalloc byte[ControlSize];
        // SAFETY: control has room for one header and MaxMessageDescriptors ints, and the kernel gets that size; the code checks the
        // header's length before use; the buffer is pinned for the call.
        fixed (byte* start = buffer)
        {
            var part = new iovec { iov_base = start, iov_len = buffer.Length };
            msghdr message;
            IOResult result;
            do
            {
                message = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = ControlSize };
                result = Check.Count(C.recvmsg(socket.Number, &message, C.MSG_CMSG_CLOEXEC));
            }
            while (result.Errno == Errno.EINTR);

            if (result.Failed)
                return result;

            bool whole = (message.msg_flags & (C.MSG_TRUNC | C.MSG_CTRUNC)) == 0;
            uint offset = 0, end = message.msg_controllen;
            while (offset + (uint)sizeof(cmsghdr) <= end)
            {
                var header = (cmsghdr*)(control + offset);
                uint length = header->cmsg_len;
                if (length < (uint)sizeof(cmsghdr) || length > end - offset)
                    break;
                if (header->cmsg_level == C.SOL_SOCKET && header->cmsg_type == C.SCM_RIGHTS)
                {
                    var numbers = (int*)((byte*)header + sizeof(cmsghdr));
                    int count = (int)((length - (uint)sizeof(cmsghdr)) / sizeof(int));
                    for (int i = 0; i < count; i++)
                    {
                        if (descriptorCount < descriptors.Length)
                        {
                            descriptors[descriptorCount++] = new FileDescriptor(numbers[i]);
                        }
                        else
                        {
                            close(numbers[i]);
                            whole = false;
                        }
                    }
                }

                offset += (length + 7) & ~7u;
            }

            // No message of a connection is empty here, and 0 bytes mean the peer's end: no code would close the descriptors of such a
            // message.
            if (whole && (result.Count > 0 || descriptorCount == 0 || mayBeEmpty))
                return result;

            for (int i = 0; i < descriptorCount; i++)
            {
                descriptors[i]!.Dispose();
                descriptors[i] = null;
            }

            descriptorCount = 0;
            bool onlyLacks = mayLackDescriptors && result.Count > 0 && (message.msg_flags & (C.MSG_TRUNC | C.MSG_CTRUNC)) == C.MSG_CTRUNC;
            return onlyLacks ? result : new IOResult(-Errno.EMSGSIZE.Value);
        }
    }

    private const int ControlSize = 16 + (sizeof(int) * MaxMessageDescriptors);
}
