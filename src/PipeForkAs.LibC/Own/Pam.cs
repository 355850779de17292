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

    /// <summary>The result of a call that succeeded.</summary>
    public const int Success = 0;

    private const int Silent = 0x8000, DisallowNullPassword = 1;
    private const int ItemUser = 2, ItemTerminal = 3, ItemRemoteUser = 8;
    private const int ConversationError = 19;
    private const int PromptWithoutEcho = 1, ErrorMessage = 3, Information = 4;
    private const int MaxMessages = 32;

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
        var library = new Functions();
        using Session session = library.Start(service, user, null);
        return session.Code != Success ? session.Result(session.Code) : session.Result(session.CheckAccount(Silent));
    }

    /// <summary>
    /// pam_authenticate(3) and pam_acct_mgmt(3): whether a password is that of an account that may be used now. After a wrong password this
    /// takes as long as the modules ask for; pam_fail_delay(3).
    /// </summary>
    /// <param name="service">The service: a file of pam.d(5).</param>
    /// <param name="user">The account's name.</param>
    /// <param name="requester">The name of the user that wants to know, for the log of the modules (PAM_RUSER).</param>
    /// <param name="password">The password, ended by one NUL.</param>
    /// <returns>Which of the calls decided, and PAM's code and message.</returns>
    /// <exception cref="ArgumentException">The password does not end with its only NUL.</exception>
    /// <exception cref="DllNotFoundException">There is no libpam.</exception>
    public static (PamStage Stage, int Code, string Text) Authenticate(
        string service, string user, string requester, ReadOnlySpan<byte> password)
    {
        if (password.IndexOf((byte)0) != password.Length - 1)
            throw new ArgumentException("the password must end with its only NUL", nameof(password));
        var library = new Functions();
        fixed (byte* secret = password)
        {
            // SAFETY: the password stays where it is until the session has ended.
            using Session session = library.Start(service, user, secret);
            int code = session.Code;
            if (code == Success)
                code = session.SetItem(ItemRemoteUser, requester);
            if (code == Success)
                code = session.SetItem(ItemTerminal, "pipeforkas");
            if (code != Success)
                return Of(PamStage.Start, session.Result(code));
            code = session.Authenticate(Silent | DisallowNullPassword);
            if (code != Success)
                return Of(PamStage.Authentication, session.Result(code));

            // A module may name another user than the one that was asked about.
            if (!string.Equals(session.User(), user, StringComparison.Ordinal))
                return (PamStage.Account, ConversationError, "the modules changed the name of the user");
            return Of(PamStage.Account, session.Result(session.CheckAccount(Silent | DisallowNullPassword)));
        }

        static (PamStage, int, string) Of(PamStage stage, (int Code, string Text) result) => (stage, result.Code, result.Text);
    }

    /// <summary>Answers a module's first question without echo with the password, takes no notice of its messages, and refuses all other
    /// questions, because there is no person to answer them.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Converse(int count, nint messages, nint* responses, nint data)
    {
        if (count is < 1 or > MaxMessages || responses is null)
            return ConversationError;
        // SAFETY: pam_conv(3) on Linux passes an array of pointers to messages, and the data that pam_start got.
        var all = (pam_message**)messages;
        var secret = (Secret*)data;
        for (int i = 0; i < count; i++)
        {
            if (all[i]->style is not (ErrorMessage or Information) && (all[i]->style != PromptWithoutEcho || !secret->TryTake()))
                return ConversationError;
        }

        // PAM frees both with free(3).
        var answers = (pam_response*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(pam_response));
        for (int i = 0; i < count; i++)
        {
            if (all[i]->style != PromptWithoutEcho)
                continue;
            ReadOnlySpan<byte> password = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(secret->password);
            byte* copy = (byte*)NativeMemory.AllocZeroed((nuint)password.Length + 1);
            password.CopyTo(new Span<byte>(copy, password.Length));
            answers[i].text = copy;
        }

        *responses = (nint)answers;
        return Success;
    }

    /// <summary>The functions of the library, which stays loaded: modules can keep pointers to it.</summary>
    private sealed class Functions
    {
        private readonly delegate* unmanaged<byte*, byte*, pam_conv*, nint*, int> start;

        public Functions()
        {
            nint library = NativeLibrary.Load(LibraryName);
            start = (delegate* unmanaged<byte*, byte*, pam_conv*, nint*, int>)NativeLibrary.GetExport(library, "pam_start");
            CheckAccount = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "pam_acct_mgmt");
            Authenticate = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "pam_authenticate");
            End = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "pam_end");
            SetItem = (delegate* unmanaged<nint, int, void*, int>)NativeLibrary.GetExport(library, "pam_set_item");
            GetItem = (delegate* unmanaged<nint, int, void**, int>)NativeLibrary.GetExport(library, "pam_get_item");
            Text = (delegate* unmanaged<nint, int, byte*>)NativeLibrary.GetExport(library, "pam_strerror");
        }

        public readonly delegate* unmanaged<nint, int, int> CheckAccount, Authenticate, End;

        public readonly delegate* unmanaged<nint, int, void*, int> SetItem;

        public readonly delegate* unmanaged<nint, int, void**, int> GetItem;

        public readonly delegate* unmanaged<nint, int, byte*> Text;

        public Session Start(string service, string user, byte* password) => new(this, service, user, password);

        public int Begin(byte* service, byte* user, pam_conv* conversation, nint* handle) => start(service, user, conversation, handle);
    }

    /// <summary>A transaction, from pam_start(3) to pam_end(3).</summary>
    private sealed class Session : IDisposable
    {
        private readonly Functions functions;
        private readonly byte* service, user;
        private readonly Secret* secret;
        private readonly nint handle;
        private int last;

        public Session(Functions functions, string service, string user, byte* password)
        {
            this.functions = functions;
            this.service = (byte*)Marshal.StringToCoTaskMemUTF8(Check.NoNul(service));
            this.user = (byte*)Marshal.StringToCoTaskMemUTF8(Check.NoNul(user));
            secret = (Secret*)NativeMemory.AllocZeroed((nuint)sizeof(Secret));
            secret->password = password;
            var conversation = new pam_conv
            {
                function = (nint)(delegate* unmanaged[Cdecl]<int, nint, nint*, nint, int>)&Converse,
                data = (nint)secret,
            };
            nint started = 0;
            // SAFETY: the strings and the data live until the end; pam_start copies the conversation.
            Code = functions.Begin(this.service, this.user, &conversation, &started);
            handle = started;
        }

        /// <summary>The code of pam_start(3).</summary>
        public int Code { get; }

        public int Authenticate(int flags) => last = functions.Authenticate(handle, flags);

        public int CheckAccount(int flags) => last = functions.CheckAccount(handle, flags);

        public int SetItem(int item, string text)
        {
            byte* value = (byte*)Marshal.StringToCoTaskMemUTF8(Check.NoNul(text));
            // SAFETY: pam_set_item(3) copies the text.
            int code = functions.SetItem(handle, item, value);
            Marshal.FreeCoTaskMem((nint)value);
            return code;
        }

        public string? User()
        {
            void* value = null;
            // SAFETY: pam_get_item(3) returns a string that belongs to the transaction.
            return functions.GetItem(handle, ItemUser, &value) == Success ? Marshal.PtrToStringUTF8((nint)value) : null;
        }

        public (int Code, string Text) Result(int code) =>
            // SAFETY: pam_strerror(3) returns a string that ends with a NUL and stays valid.
            (code, Marshal.PtrToStringUTF8((nint)functions.Text(handle, code)) ?? "");

        public void Dispose()
        {
            if (Code == Success)
                _ = functions.End(handle, last);
            Marshal.FreeCoTaskMem((nint)service);
            Marshal.FreeCoTaskMem((nint)user);
            NativeMemory.Free(secret);
        }
    }

    /// <summary>The password that answers the first question; null if there is none.</summary>
    internal struct Secret
    {
        public byte* password;
        private int given;

        /// <summary>Whether the question is the first one.</summary>
        public bool TryTake() => password is not null && given++ == 0;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct pam_conv
    {
        public nint function;
        public nint data;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct pam_message
    {
        public int style;
        public byte* text;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct pam_response
    {
        public byte* text;
        public int code;
    }
}

/// <summary>Which call of PAM decided.</summary>
public enum PamStage
{
    /// <summary>PAM could not begin.</summary>
    Start,

    /// <summary>pam_authenticate(3).</summary>
    Authentication,

    /// <summary>pam_acct_mgmt(3).</summary>
    Account,
}
