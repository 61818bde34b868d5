
?
xPlaceholder*
dtype0* 
shape:ÿÿÿÿÿÿÿÿÿ
ƒ
einsum/Einsum/inputs_1Const*
dtype0*U
valueLBJ"<X)œ>jª>{<âV[¾2cä¾LÜî½fr»½±Ñè¾;	ç¾”ÿ>¦>Gî‡¾8:…½ˆÈò>fœË>
_
einsum/EinsumEinsumxeinsum/Einsum/inputs_1*
N*
T0*
equationbij,jk->bik
%
yIdentityeinsum/Einsum*
T0
 
IdentityIdentityy*
T0"ª