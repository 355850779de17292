using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Features of the kernel that the tests run on.</summary>
internal static class Kernel
{
    /// <summary>Whether it refuses descriptors for a socket on request: SO_PASSRIGHTS, Linux 6.16.</summary>
    public static bool RefusesDescriptors { get; } = Ask();

    private static bool Ask()
    {
        (FileDescriptor one, FileDescriptor other) = Libc.socketpair_stream();
        using (one)
        using (other)
            return Libc.refuse_descriptors(one);
    }
}
