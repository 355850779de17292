using System.Buffers.Binary;
using System.Text;
using PipeForkAs.Jobs.Worker;

namespace PipeForkAs.Jobs.Tests;

/// <summary>Tests which interpreter a program names, and whether it exists.</summary>
public sealed class InterpreterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("#!/bin/sh\n", "/bin/sh")]
    [InlineData("#!/bin/sh", "/bin/sh")]
    [InlineData("#! \t/usr/bin/env python\n", "/usr/bin/env")]
    [InlineData("#!/bin/sh\r\n", "/bin/sh\r")]
    [InlineData("#!\n", "")]
    [InlineData("#!", "")]
    [InlineData("echo", null)]
    [InlineData("", null)]
    [InlineData("\u007FELF", null)]
    public void A_script_names_its_interpreter(string head, string? interpreter) =>
        Assert.Equal(interpreter, Interpreter.Of(Encoding.UTF8.GetBytes(head)));

    [Fact]
    public void A_program_names_its_dynamic_linker() =>
        Assert.Equal("/lib64/ld-linux-x86-64.so.2", Interpreter.Of(File.ReadAllBytes("/bin/true").AsSpan(0, 4096)));

    [Fact]
    public void Damaged_programs_name_no_interpreter_or_the_one_that_they_contain()
    {
        byte[] head = File.ReadAllBytes("/bin/true")[..4096];
        for (int length = 0; length < 128; length++)
            _ = Interpreter.Of(head.AsSpan(0, length));
        foreach (int at in new[] { 32, 56, 64 + 8, 64 + 32, 120 + 8, 120 + 32 })
        {
            foreach (ulong value in new ulong[] { 0, 4095, 4096, uint.MaxValue, long.MaxValue, ulong.MaxValue })
            {
                byte[] damaged = [.. head];
                BinaryPrimitives.WriteUInt64LittleEndian(damaged.AsSpan(at), value);
                _ = Interpreter.Of(damaged);
            }
        }
    }

    [Fact]
    public void The_first_missing_interpreter_is_named()
    {
        Assert.Equal($"the interpreter \"/no/such\" of \"{Script("one", "#!/no/such\n")}\" is missing", Interpreter.Missing(folder["one"]));
        Assert.Equal(
            $"the interpreter \"/no/such\" of \"{folder["one"]}\" is missing", Interpreter.Missing(Script("two", $"#!{folder["one"]}\n")));
        Assert.Equal(
            $"the interpreter \"/bin/sh/x\" of \"{Script("three", "#!/bin/sh/x\n")}\" is missing", Interpreter.Missing(folder["three"]));
        Assert.Equal(
            $"the interpreter \"/bin/sh\\r\" of \"{Script("four", "#!/bin/sh\r\n")}\" is missing", Interpreter.Missing(folder["four"]));
    }

    [Fact]
    public void Nothing_is_named_if_nothing_is_missing_or_the_file_cannot_be_read()
    {
        Assert.Null(Interpreter.Missing("/bin/true"));
        Assert.Null(Interpreter.Missing("/no/such/program"));
        Assert.Null(Interpreter.Missing("/"));
        Assert.Null(Interpreter.Missing(Script("there", "#!/bin/sh\n")));
        Assert.Null(Interpreter.Missing(Script("circle", $"#!{folder["circle"]}\n")));
    }

    [Fact]
    public void A_program_with_a_missing_dynamic_linker_is_reported()
    {
        byte[] program = File.ReadAllBytes("/bin/true");
        int at = program.AsSpan().IndexOf("/lib64/ld-linux-x86-64.so.2"u8);
        "/lib64/no-linux"u8.CopyTo(program.AsSpan(at));
        File.WriteAllBytes(folder["program"], program);
        Assert.Matches("^the interpreter \"/lib64/no-linux[^\"]*\" of \"[^\"]*\" is missing$", Interpreter.Missing(folder["program"]));
    }

    public void Dispose() => folder.Dispose();

    private string Script(string name, string text)
    {
        File.WriteAllText(folder[name], text);
        return folder[name];
    }
}
