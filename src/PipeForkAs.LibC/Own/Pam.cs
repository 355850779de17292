using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>Pluggable authentication modules; pam(3). The library is loaded at the first use: a system without PAM does not need it.
/// Modules are third-party code, which may change signals and children: call them in a process that does nothing else.
/// </summary>
public static unsafe class Pam
{
    /// <summary>The library's name.</summary>
    public const string LibraryName = "libpam.so.0";

    /// <summary>The result of <see cref="CheckAccount"/> for an account that may be used.</summary>
    public const int Success = 0;

    private const int Silent = 0x8000;
    private const int ConversationError = 19;

    /// <summary>Whether the library is installed.</summary>
    public static bool IsAvailable()
    {
        if (!NativeLibrary.TryLoad(LibraryName, out nint library))
            return false;
        NativeLibrary.Free(library);
        return true;
    }

    /// <summary>pam_acct_mgmt(3): whether an account may be used now. Returns PAM's code and message; the code is 0 if it may.</summary>
    /// <param name="service">The service: a file of pam.d(5).</param>
    /// <param name="user">The account's name.</param>
    /// <exception cref="DllNotFoundException">There is no libpam.</exception>
    public static (int Code, string Text) CheckAccount(string service, string user)
    {
        nint library = NativeLibrary.Load(LibraryName);
        var start = (delegate* unmanaged<byte*, byte*, pam_conv*, nint*, int>)NativeLibrary.GetExport(library, "pam_start");
        var account = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "pam_acct_mgmt");
        var end = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "pam_end");
        var text = (delegate* unmanaged<nint, int, byte*>)NativeLibrary.GetExport(library, "pam_strerror");
        byte* serviceName = (byte*)Marshal.StringToCoTaskMemUTF8(Check.NoNul(service)),
            userName = (byte*)Marshal.StringToCoTaskMemUTF8(Check.NoNul(user));
        try
        {
            var conversation = new pam_conv { function = (nint)(delegate* unmanaged[Cdecl]<int, nint, nint*, nint, int>)&Refuse };
            nint handle = 0;
            // SAFETY: the strings end with a NUL and live until the end; pam_start copies the conversation.
            int code = start(serviceName, userName, &conversation, &handle);
            if (code != Success)
                return (code, Words(text(0, code)));
            code = account(handle, Silent);
            string words = Words(text(handle, code));
            _ = end(handle, code);
            return (code, words);
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)serviceName);
            Marshal.FreeCoTaskMem((nint)userName);
        }
    }

    // SAFETY: pam_strerror(3) returns a string that ends with a NUL and stays valid.
    private static string Words(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>Refuses questions of a module, because there is no person to answer them.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Refuse(int count, nint messages, nint* responses, nint data) => ConversationError;

    [StructLayout(LayoutKind.Sequential)]
    internal struct pam_conv
    {
        public nint function;
        public nint data;
    }
}
