# mode=threads: domains are threads of one program, and breakpoints are of the program whose symbols
# GDB has. Of programs/pingpong.system, with ping.elf.
set pagination off
set confirm off
set width 0
echo \n--- threads\n
info threads
echo --- break\n
break microkit_ppcall
continue
info threads
echo --- registers and memory\n
print $pc == &microkit_ppcall
print/x *(unsigned short *) $sp - *(unsigned short *) $sp
print $fcsr
echo --- step\n
show osabi
set scheduler-locking off
stepi
stepi
set scheduler-locking step
stepi
set scheduler-locking off
echo --- watch\n
delete
watch *(unsigned long *) 0x3fffffe008
continue
echo --- back\n
reverse-stepi
print $pc
delete
reverse-continue
echo --- forward again\n
tbreak notified
continue
backtrace
reverse-finish
echo --- monitor\n
delete
monitor pds
monitor time
monitor until +1us
continue
monitor time
monitor catch notification ping
reverse-continue
monitor catch notification off
echo --- catch\n
monitor trace on
monitor catch syscall pong
reverse-continue
monitor trace 2
monitor catch syscall off
monitor catch notification nobody
monitor catch irq 77
monitor peek 0x10000000
monitor read 16
monitor nonsense
echo --- to the end\n
continue
continue
