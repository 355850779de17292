using System.Globalization;
using System.Text;

namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>Evaluates expressions with the C compiler.</summary>
internal static class CCompiler
{
    /// <summary>The values of integer expressions, in order.</summary>
    public static long[] Evaluate(IEnumerable<string> expressions)
    {
        using var directory = new TemporaryDirectory();
        var program = new StringBuilder(CNames.Headers).AppendLine("int main(void) {");
        foreach (string expression in expressions)
            program.AppendLine(CultureInfo.InvariantCulture, $"    printf(\"%lld\\n\", (long long)({expression}));");
        File.WriteAllText(directory.File("proof.c"), program.AppendLine("    return 0;\n}").ToString());

        Child.Run("cc", "-std=gnu11", "-o", directory.File("proof"), directory.File("proof.c"));
        return [.. Child.Run(directory.File("proof")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
            line => long.Parse(line, CultureInfo.InvariantCulture))];
    }
}
