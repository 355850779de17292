using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

public sealed partial class UnsafeCodeTests
{
    [Fact]
    public void Only_LibC_allows_unsafe_code() => Assert.Equal(
        ["PipeForkAs.LibC"], Repository.Sources.Where(project => project.Mentions("AllowUnsafeBlocks")).Select(project => project.Name));

    [Fact]
    public void No_other_source_contains_unsafe_code() =>
        Assert.DoesNotContain(OutsideLibC(), file => UnsafeWord().IsMatch(file.Code));

    /// <summary>
    /// The exceptions call the C files of the command and of the Jobs project. Their functions accept only numbers, addresses of arrays
    /// that LibC creates and that live until the call has returned, and a span of bytes with its length.
    /// </summary>
    [Fact]
    public void No_other_source_calls_native_code() => Assert.Equal(
        [
            "src/PipeForkAs.Cli/Exchanges/SshProcess.cs", "src/PipeForkAs.Cli/Terminal/EndingSignals.cs",
            "src/PipeForkAs.Jobs/Forking/HugePages.cs",
            "src/PipeForkAs.Jobs/Runtime/RuntimeThreads.cs",
            "src/PipeForkAs.Jobs/Worker/ProgramProcess.cs",
        ],
        OutsideLibC().Where(file => NativeCall().IsMatch(file.Code)).Select(file => file.Path).Order(StringComparer.Ordinal));

    [Fact]
    public void Each_member_with_a_pointer_explains_why_it_is_safe()
    {
        SourceFile[] files = [.. Repository.SourceFiles.Where(file => file.IsIn("src/PipeForkAs.LibC"))];
        Assert.NotEmpty(files);
        string[] silent = [
            .. from file in files from member in Members(file.Text) where Pointer().IsMatch(member)
                && !member.Contains("// SAFETY:", StringComparison.Ordinal) select $"{file.Path}: {member.Trim().Split('\n')[0]}"];
        Assert.Empty(silent);
    }

    private static IEnumerable<SourceFile> OutsideLibC() => Repository.SourceFiles.Where(file => !file.IsIn("src/PipeForkAs.LibC"));

    /// <summary>
    /// The members of the types in a file: each begins at an indent of four, with the lines above it since the last member.
    /// </summary>
    private static string[] Members(string text) => MemberStart().Split(text);

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();

    [GeneratedRegex(@"\b(DllImport|LibraryImport)\b\s*\(|\bNativeLibrary\b|\bdelegate\*|\bGetDelegateForFunctionPointer\b")]
    private static partial Regex NativeCall();

    [GeneratedRegex(@"\bfixed \(|\bstackalloc\b|[(,] ?&\w|->|\bNativeMemory\.|\.Pointer\b|, null, ")]
    private static partial Regex Pointer();

    [GeneratedRegex(@"\n(?=    (?:(?://[^\n]*|\[[^\n]*)\n    )*(?:public|internal|private|protected) )")]
    private static partial Regex MemberStart();
}
