using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.Tests;

/// <summary>Runs filters like the kernel, for each call number, and compares the results with the sandbox.</summary>
public sealed class SeccompFilterTests
{
    private const uint Allow = 0x7fff0000, Kill = 0x80000000, Errno = 0x00050000;
    private const uint NotPermitted = Errno | 1, NoSuchCall = Errno | 38, NoSuchFamily = Errno | 97;

    private const string CrossProcess = "ptrace process_vm_readv process_vm_writev pidfd_getfd";

    private const string Dangerous = """
        process_madvise kcmp add_key request_key keyctl mount umount2 pivot_root move_mount open_tree fsopen fsconfig fsmount fspick
        mount_setattr chroot swapon swapoff quotactl quotactl_fd setns bpf perf_event_open userfaultfd io_uring_setup io_uring_enter
        io_uring_register kexec_load kexec_file_load init_module finit_module delete_module open_by_handle_at name_to_handle_at acct reboot
        settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname iopl ioperm syslog vhangup lookup_dcookie modify_ldt
        nfsservctl uselib ustat _sysctl mbind migrate_pages move_pages fanotify_init
        """;

    /// <summary>Families of sockets, their types with flags, flags of clone(2), requests of ioctl(2), pids.</summary>
    private static readonly uint[] Values =
    [
        0, 1, 2, 3, 5, 6, 10, 16, 0x80001, 0x80802, 0x80005, 0x800, 0x11, 0x8000, 0x10000000, 0x02000000, 0x40000000, 0x80, 0x5412, 0x541C,
        0x5401, 0xFFFFFFFF,
    ];

    public static TheoryData<bool, bool, bool> Combinations
    {
        get
        {
            bool[] both = [false, true];
            var data = new TheoryData<bool, bool, bool>();
            foreach (bool profile in both)
            {
                foreach (bool noNetwork in both)
                {
                    foreach (bool restrictsFiles in both)
                        data.Add(profile, noNetwork, restrictsFiles);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public void A_filter_decides_each_call_as_the_sandbox_requires(bool profile, bool noNetwork, bool restrictsFiles)
    {
        BpfInstruction[] filter = Filter(profile, noNetwork, restrictsFiles);
        HashSet<uint> intruding = Numbers(CrossProcess), dangerous = Numbers(Dangerous);
        for (uint number = 0; number < 600; number++)
        {
            foreach (uint first in Values)
            {
                foreach (uint second in Values)
                {
                    uint expected = Expected(number, first, second);
                    if (Run(filter, 0xC000003E, number, first, second) is var answer && answer != expected)
                        Assert.Fail($"call {number}({first:x}, {second:x}): {answer:x} instead of {expected:x}");
                }
            }
        }

        uint Expected(uint number, uint first, uint second) => (SystemCall)number switch
        {
            SystemCall.SYS_prlimit64 when first != 0 => NotPermitted,
            _ when (profile || noNetwork) && intruding.Contains(number) => NotPermitted,
            _ when profile && dangerous.Contains(number) => NotPermitted,
            SystemCall.SYS_clone3 when profile => NoSuchCall,
            SystemCall.SYS_clone when profile && (first & 0x7E028080) != 0 => NotPermitted,
            SystemCall.SYS_unshare when profile && (first & 0x7E020080) != 0 => NotPermitted,
            SystemCall.SYS_ioctl when profile && second is 0x5412 or 0x541C => NotPermitted,
            SystemCall.SYS_socket when noNetwork => NoSuchFamily,
            SystemCall.SYS_socket when restrictsFiles && first == 1 => NoSuchFamily,
            SystemCall.SYS_socketpair when noNetwork && first != 1 => NoSuchFamily,
            SystemCall.SYS_socketpair when (noNetwork || restrictsFiles) && (second & 0xF) is not (1 or 5) => NotPermitted,
            SystemCall.SYS_io_uring_setup when noNetwork || restrictsFiles => NotPermitted,
            _ => Allow,
        };
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public void Calls_of_other_architectures_kill_the_process(bool profile, bool noNetwork, bool restrictsFiles)
    {
        BpfInstruction[] filter = Filter(profile, noNetwork, restrictsFiles);
        for (uint number = 0; number < 600; number++)
        {
            Assert.Equal(Kill, Run(filter, 0x40000003, number, 0, 0));
            Assert.Equal(Kill, Run(filter, 0, number, 0, 0));
            Assert.Equal(NoSuchCall, Run(filter, 0xC000003E, 0x40000000 + number, 0, 0));
        }

        Assert.Equal(NoSuchCall, Run(filter, 0xC000003E, uint.MaxValue, 0, 0));
    }

    [Fact]
    public void Several_sandboxes_combine_their_restrictions()
    {
        BpfInstruction[] together = SeccompFilter.For(
            [new Sandbox { Seccomp = SeccompProfile.Default }, new Sandbox { NoNetwork = true }, new Sandbox { ReadWrite = ["/srv"] }]);
        Assert.Equal(Filter(profile: true, noNetwork: true, restrictsFiles: true), together);
    }

    [Fact]
    public void Jumps_reach_their_labels()
    {
        var program = new SeccompProgram(8);
        SeccompProgram.Label isOne = program.NewLabel(), isNotTwo = program.NewLabel();
        program.Load(SeccompData.Number);
        program.JumpIf(BpfCode.JumpIfEqual, 1, isOne);
        program.JumpUnless(BpfCode.JumpIfEqual, 2, isNotTwo);
        program.Return(20);
        program.Place(isOne);
        program.Return(10);
        program.Place(isNotTwo);
        program.Return(30);

        BpfInstruction[] assembled = program.Assemble();

        Assert.Equal([10u, 20u, 30u], [Run(assembled, 0, 1, 0, 0), Run(assembled, 0, 2, 0, 0), Run(assembled, 0, 3, 0, 0)]);
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void A_jump_skips_at_most_255_instructions(int distance, bool isPossible)
    {
        var program = new SeccompProgram(8);
        SeccompProgram.Label end = program.NewLabel();
        program.JumpIf(BpfCode.JumpIfEqual, 0, end);
        for (int i = 0; i < distance; i++)
            program.Keep(uint.MaxValue);
        program.Place(end);
        program.Return(Allow);

        if (isPossible)
            Assert.Equal(distance, program.Assemble()[0].IfTrue);
        else
            Assert.Throws<InvalidOperationException>(program.Assemble);
    }

    [Fact]
    public void An_ambiguous_seccomp_program_is_not_assembled()
    {
        // A label that is undefined, after the end, before its jump, or defined twice; and a program without a return at its end.
        AssertBroken(program => program.JumpIf(BpfCode.JumpIfEqual, 0, program.NewLabel()), returns: true);
        AssertBroken(
            program =>
            {
                SeccompProgram.Label end = program.NewLabel();
                program.JumpIf(BpfCode.JumpIfEqual, 0, end);
                program.Return(Allow);
                program.Place(end);
            },
            returns: false);
        AssertBroken(
            program =>
            {
                SeccompProgram.Label start = program.NewLabel();
                program.Place(start);
                program.JumpIf(BpfCode.JumpIfEqual, 0, start);
            },
            returns: true);
        AssertBroken(
            program =>
            {
                SeccompProgram.Label twice = program.NewLabel();
                program.Place(twice);
                program.Place(twice);
            },
            returns: true);
        AssertBroken(program => program.Load(SeccompData.Number), returns: false);
        AssertBroken(_ => { }, returns: false);

        static void AssertBroken(Action<SeccompProgram> write, bool returns) => Assert.Throws<InvalidOperationException>(() =>
        {
            var program = new SeccompProgram(8);
            write(program);
            if (returns)
                program.Return(Allow);
            return program.Assemble();
        });
    }

    private static BpfInstruction[] Filter(bool profile, bool noNetwork, bool restrictsFiles) => SeccompFilter.For(
    [
        new Sandbox
        {
            Seccomp = profile ? SeccompProfile.Default : SeccompProfile.None,
            NoNetwork = noNetwork,
            ReadOnly = restrictsFiles ? ["/usr"] : [],
        },
    ]);

    private static HashSet<uint> Numbers(string names) =>
        [.. names.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(name => (uint)Enum.Parse<SystemCall>($"SYS_{name}"))];

    /// <summary>Returns the result of a filter. Throws if the kernel would refuse the program.</summary>
    private static uint Run(BpfInstruction[] filter, uint architecture, uint number, uint first, uint second)
    {
        uint value = 0;
        for (int at = 0; ; at++)
        {
            BpfInstruction step = filter[at];
            switch (step.Code)
            {
                case BpfCode.LoadWord:
                    value = (SeccompData)step.Constant switch
                    {
                        SeccompData.Number => number,
                        SeccompData.Architecture => architecture,
                        SeccompData.Argument0 => first,
                        SeccompData.Argument1 => second,
                        _ => throw new InvalidOperationException($"loads {step.Constant}"),
                    };
                    break;
                case BpfCode.And:
                    value &= step.Constant;
                    break;
                case BpfCode.JumpIfEqual:
                    at += value == step.Constant ? step.IfTrue : step.IfFalse;
                    break;
                case BpfCode.JumpIfAtLeast:
                    at += value >= step.Constant ? step.IfTrue : step.IfFalse;
                    break;
                case BpfCode.JumpIfBits:
                    at += (value & step.Constant) != 0 ? step.IfTrue : step.IfFalse;
                    break;
                case BpfCode.Return:
                    return step.Constant;
                default:
                    throw new InvalidOperationException($"the instruction {step.Code}");
            }
        }
    }
}
