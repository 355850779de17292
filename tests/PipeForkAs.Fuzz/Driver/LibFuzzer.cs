using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SharpFuzz.Common;

#pragma warning disable CA5393 // The library is beside the program, where tests/fuzz/run.sh builds it, and nowhere else.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]

namespace PipeForkAs.Fuzz.Driver;

/// <summary>libFuzzer, loaded into this process. It generates inputs from the coverage of earlier ones.</summary>
internal static unsafe partial class LibFuzzer
{
    /// <summary>The exit status after a finding; libFuzzer's own for a crash.</summary>
    public const int FindingStatus = 77;

    private const string Library = "pipeforkas-fuzz";

    private static Target target = null!;

    /// <summary>Runs until libFuzzer's limits are reached, or until a finding, which ends the process.</summary>
    /// <param name="fuzzed">The function to fuzz.</param>
    /// <param name="currentFile">The file with the current input.</param>
    /// <param name="options">libFuzzer's options and folders.</param>
    public static int Run(Target fuzzed, string currentFile, IEnumerable<string> options)
    {
        target = fuzzed;
        Trace.SharedMem = Counters();
        string[] words = [Environment.ProcessPath ?? "fuzz", .. options];
        // libFuzzer uses the arguments as long as it runs.
        byte** arguments = (byte**)NativeMemory.AllocZeroed((nuint)words.Length + 1, (nuint)sizeof(byte*));
        for (int i = 0; i < words.Length; i++)
            arguments[i] = (byte*)Marshal.StringToCoTaskMemUTF8(words[i]);
        return Drive(words.Length, arguments, &Try, currentFile);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Try(byte* data, nuint size)
    {
        byte[] input = new ReadOnlySpan<byte>(data, checked((int)size)).ToArray();
        try
        {
            Trace.PrevLocation = 0;
            _ = target.Check(input);
        }
#pragma warning disable CA1031 // Every exception is a finding.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Console.Error.WriteLine(Report.Of(target, input, failure));
            Console.Error.Flush();
            Quit(FindingStatus);
        }

        return 0;
    }

    [LibraryImport(Library, EntryPoint = "pipeforkas_fuzz_counters")]
    private static partial byte* Counters();

    [LibraryImport(Library, EntryPoint = "pipeforkas_fuzz_quit")]
    private static partial void Quit(int status);

    [LibraryImport(Library, EntryPoint = "pipeforkas_fuzz_run", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Drive(int count, byte** arguments, delegate* unmanaged[Cdecl]<byte*, nuint, int> run, string currentFile);
}
