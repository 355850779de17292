using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC.Tests.Proof;

public sealed class LayoutTests
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    [Fact]
    public void Every_structure_has_the_layout_that_the_C_compiler_gives_it()
    {
        var proofs = new List<(string What, string Expression, long Actual)>();
        foreach (CStruct structure in CStructs.All.Concat(PackageStructs.All))
        {
            string name = structure.CType;
            proofs.Add(($"size of {structure.Type.Name}", $"sizeof({name})", SizeOf(structure.Type)));
            foreach ((string field, string member) in structure.Members)
            {
                FieldInfo info = structure.Type.GetField(field, Fields)
                    ?? throw new InvalidOperationException($"{structure.Type.Name} has no field {field}");
                proofs.Add(
                    ($"offset of {structure.Type.Name}.{field}", $"offsetof({name}, {member})", Marshal.OffsetOf(structure.Type, field)));
                proofs.Add(($"size of {structure.Type.Name}.{field}", $"sizeof((({name} *)0)->{member})", SizeOf(info.FieldType)));
            }
        }

        long[] expected = CCompiler.Evaluate(proofs.Select(proof => proof.Expression));

        Assert.Empty(
            proofs.Zip(expected).Where(pair => pair.First.Actual != pair.Second).Select(
                pair => $"{pair.First.What}: {pair.First.Actual}, in C {pair.Second}"));
    }

    [Fact]
    public void Every_structure_is_proved_or_never_passed_to_C()
    {
        IEnumerable<Type> structures = typeof(Libc).Assembly.GetTypes().Where(type =>
            type.IsValueType && !type.IsEnum && type.Namespace == typeof(Libc).Namespace && !IsGenerated(type));

        Assert.Equal(
            CStructs.All.Select(structure => structure.Type).Concat(CStructs.Own).Select(type => type.Name).Order(),
            structures.Select(type => type.Name).Order());
    }

    [Fact]
    public void Every_field_is_proved_or_is_padding()
    {
        foreach (CStruct structure in CStructs.All.Concat(PackageStructs.All))
        {
            IEnumerable<string> fields = structure.Type.GetFields(Fields).Select(field => field.Name).Except(CStructs.Padding);
            Assert.Equal(structure.Members.Select(member => member.Field).Order(), fields.Order());
        }
    }

    [Fact]
    public void The_buffers_for_posix_spawn_are_large_enough()
    {
        long[] sizes = CCompiler.Evaluate(
            ["sizeof(posix_spawnattr_t)", "sizeof(posix_spawn_file_actions_t)", "_Alignof(posix_spawnattr_t)",
                "_Alignof(posix_spawn_file_actions_t)"]);
        Assert.InRange(sizes[0], 1, Own.PosixSpawnBufferSize);
        Assert.InRange(sizes[1], 1, Own.PosixSpawnBufferSize);

        // The runtime aligns stackalloc memory to 16 bytes on x86-64.
        Assert.InRange(sizes[2], 1, 16);
        Assert.InRange(sizes[3], 1, 16);
    }

    [Fact]
    public void A_full_signal_set_is_what_sigfillset_makes()
    {
        long[] words = CCompiler.Evaluate(
            ["({ sigset_t set; sigfillset(&set); set.__val[0]; })",
                "({ sigset_t set; sigemptyset(&set); sigaddset(&set, SIGTERM); set.__val[0]; })"]);
        Assert.Equal($"0x{words[0]:x}", SignalSet.Full.ToString());
        Assert.Equal($"0x{words[1]:x}", SignalSet.Of(Signal.SIGTERM).ToString());
    }

    private static bool IsGenerated(Type type) =>
        type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) || type.Name.StartsWith('<');

    private static int SizeOf(Type type) =>
        type.IsPointer ? nint.Size : (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
